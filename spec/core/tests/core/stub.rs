//! Servers that do not imitate AWS.

use std::{
    io::{self, Read, Write},
    mem,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use socket2::{Domain, Socket, Type};

/// A port without a listener: connections are refused. It stays ours until the tests end, else the server of another
/// test could get it.
pub fn refusing() -> String {
    let socket = bound();
    let url = url(address_of(&socket));
    mem::forget(socket);
    url
}

/// A socket with a port of its own, which refuses connections until it listens.
fn bound() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket
}

fn address_of(socket: &Socket) -> SocketAddr {
    socket.local_addr().unwrap().as_socket().unwrap()
}

/// Accepts connections and never answers, until it is dropped.
pub struct Silent {
    _listener: TcpListener,
    pub url: String,
}

pub fn silent() -> Silent {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url(listener.local_addr().unwrap());
    Silent { _listener: listener, url }
}

/// Drops every SYN, as a network without such an address does: its accept queue is full and stays full.
pub struct Dropping {
    _listener: Socket,
    _queue: Vec<Socket>,
    pub url: String,
}

pub fn dropping() -> Dropping {
    let listener = bound();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let queue = (0..4)
        .map(|_| {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            client.set_nonblocking(true).unwrap();
            let _ = client.connect(&address);
            client
        })
        .collect();
    let url = url(address_of(&listener));
    Dropping { _listener: listener, _queue: queue, url }
}

/// Answers each connection's first request with these bytes and closes.
pub fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url(listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer_one(stream, answer);
        }
    });
    url
}

/// Sends on what each connection says first, up to a pause, and closes it.
pub fn hearing() -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url(listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let mut said = Vec::new();
            let _ = stream.read_to_end(&mut said);
            let _ = sender.send(said);
        }
    });
    (url, receiver)
}

fn answer_one(mut stream: TcpStream, answer: &str) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let _ = stream.write_all(answer.as_bytes());
}

/// A port that refuses connections for `time`, and then passes them on to the server at `to`.
pub fn late(to: &str, time: Duration) -> String {
    let to = to.trim_start_matches("http://").to_owned();
    let socket = bound();
    let address = address_of(&socket);
    thread::spawn(move || {
        thread::sleep(time);
        socket.listen(128).unwrap();
        for stream in TcpListener::from(socket).incoming().flatten() {
            relay(stream, TcpStream::connect(&to).unwrap());
        }
    });
    url(address)
}

fn relay(client: TcpStream, server: TcpStream) {
    for (mut from, mut to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
