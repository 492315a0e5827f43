//! Servers with certificates of every kind, made and shown by the `openssl` of this machine: five causes, five remedies.

use crate::support::{Machine, text, timed};
use aws_identity::{
    environment::Environment,
    failure::{Failure, Kind},
    http::{Http, HttpConfig},
    task::fork_gate::NoFork,
};
use fake_aws::world;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A folder with keys and certificates, gone with the test.
struct Authority {
    machine: Machine,
}

impl Authority {
    fn new() -> Self {
        let authority = Self { machine: Machine::with_keys() };
        let config = "[ca]\ndefault_ca = a\n[a]\nnew_certs_dir = .\ndatabase = index\nserial = serial\ndefault_md = sha256\npolicy = p\n\
             copy_extensions = copy\nunique_subject = no\n[p]\ncommonName = supplied\n";
        fs::write(authority.path("ca.cnf"), config).unwrap();
        fs::write(authority.path("index"), "").unwrap();
        fs::write(authority.path("serial"), "01").unwrap();
        authority
    }

    fn path(&self, name: &str) -> PathBuf {
        self.machine.aws.directory().join(name)
    }

    fn openssl(&self, arguments: &str) -> &Self {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.machine.aws.directory())
            .output()
            .expect("these tests need the program openssl");
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        self
    }

    /// `NAME.pem` and `NAME.key`: one that has signed itself.
    fn signs_itself(&self, name: &str, options: &str) -> &Self {
        self.openssl(&format!("req -x509 -nodes -keyout {name}.key -out {name}.pem -subj /CN={name} {options}"))
    }

    /// The same, signed by `root`.
    fn signs(&self, root: &str, name: &str, key: &str, extension: &str, signing: &str) -> &Self {
        fs::write(self.path("extension"), extension).unwrap();
        self.openssl(&format!("req -nodes -keyout {name}.key -out {name}.csr -subj /CN=localhost {key}")).openssl(&format!(
            "x509 -req -in {name}.csr -CA {root}.pem -CAkey {root}.key -CAcreateserial -extfile extension -out {name}.pem {signing}"
        ))
    }

    fn serves(&self, name: &str, options: &str) -> Server {
        let mut child = Command::new("openssl")
            .args(["s_server", "-www", "-accept", "127.0.0.1:0"])
            .args(["-cert", &format!("{name}.pem"), "-key", &format!("{name}.key")])
            .args(options.split_whitespace())
            .current_dir(self.machine.aws.directory())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:").map(str::to_owned)).unwrap();
        Server { child, url: format!("https://localhost:{port}") }
    }

    /// The status of a GET to the server, with `bundle` alone trusted.
    fn status(&self, server: &Server, bundle: &str) -> Result<u16, String> {
        let second = Duration::from_secs(3);
        let config = HttpConfig {
            environment: Environment::default(),
            connect_timeout: second,
            read_timeout: second,
            ca_bundle: Some(self.path(bundle)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = Http::new(config, &NoFork).plain(&server.url).unwrap();
        runtime.block_on(client.send("GET", &server.url, &[])).map(|reply| reply.status).map_err(|error| format!("{error:?}"))
    }

    /// The failure of STS at the server.
    fn failure(self, server: &Server, bundle: &str) -> Failure {
        let bundle = self.path(bundle);
        let failure =
            self.machine.option("endpoint", server.url.as_str()).env("AWS_CA_BUNDLE", text(&bundle)).failure_of_identity();
        assert_eq!(failure.kind, Kind::Connection);
        failure
    }
}

struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const P256: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";
const P521: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-521";
const LOCALHOST: &str = "subjectAltName=DNS:localhost\n";
const LEAF: &str = "-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost";

fn says(failure: &Failure, cause: &str, remedy: &str) {
    assert!(failure.cause.contains(cause), "{}", failure.cause);
    assert!(failure.remedy.contains(remedy), "{}", failure.remedy);
    let is_about_bundle = failure.remedy.contains("AWS_CA_BUNDLE");
    assert_eq!(is_about_bundle, remedy == "AWS_CA_BUNDLE", "{}", failure.remedy);
    assert_eq!(failure.remedy.contains("clock"), remedy.contains("clock"), "{}", failure.remedy);
    for names_of_types in ["{", "::", "Context", "UnknownIssuer"] {
        assert!(!failure.message().contains(names_of_types), "{}", failure.message());
    }
}

/// Inspecting proxies have such authorities (vercel/turborepo#13036, rustls/rustls#1367).
#[test]
fn roots_of_p_521_and_signatures_of_sha_512_are_trusted() {
    for (root, leaf, signing) in [
        (P521, P256, "-sha512"),
        (P521, P256, "-sha256"),
        (P256, P256, "-sha512"),
        ("-newkey ec -pkeyopt ec_paramgen_curve:P-384", P256, "-sha512"),
        ("-newkey rsa:4096", "-newkey rsa:2048", "-sha512"),
        ("-newkey ed25519", P256, ""),
    ] {
        let authority = Authority::new();
        authority.signs_itself("root", root).signs("root", "leaf", leaf, LOCALHOST, signing);
        let server = authority.serves("leaf", "");
        assert_eq!(authority.status(&server, "root.pem"), Ok(200), "{root} {signing}");
    }
}

#[test]
fn a_server_s_own_p_521_key_works_with_tls_1_3_and_is_an_algorithm_without() {
    let authority = Authority::new();
    authority.signs_itself("leaf", &format!("{P521} {LEAF}"));
    let modern = authority.serves("leaf", "");
    assert_eq!(authority.status(&modern, "leaf.pem"), Ok(200));
    let old = authority.serves("leaf", "-tls1_2");
    says(&authority.failure(&old, "leaf.pem"), "algorithm that this client does not have", "TLS 1.3");
}

#[test]
fn an_algorithm_that_cannot_be_checked_is_said_in_words() {
    let authority = Authority::new();
    authority.signs_itself("root", P256).signs("root", "leaf", P256, LOCALHOST, "-sha1");
    let server = authority.serves("leaf", "-cipher DEFAULT@SECLEVEL=0");
    says(&authority.failure(&server, "root.pem"), "an algorithm that this client cannot check", "SHA-256");
}

#[test]
fn an_unknown_authority_is_a_matter_of_the_bundle() {
    let authority = Authority::new();
    authority.signs_itself("root", P256).signs("root", "leaf", P256, LOCALHOST, "").signs_itself("other", P256);
    let server = authority.serves("leaf", "");
    says(&authority.failure(&server, "other.pem"), "authority that is not trusted", "AWS_CA_BUNDLE");
}

#[test]
fn an_authority_of_the_same_name_with_another_key_is_not_trusted() {
    let authority = Authority::new();
    authority.signs_itself("root", P256).signs("root", "leaf", P256, LOCALHOST, "");
    let server = authority.serves("leaf", "");
    authority.signs_itself("root", P256); // anew
    says(&authority.failure(&server, "root.pem"), "another key", "AWS_CA_BUNDLE");
}

#[test]
fn another_name_is_said_with_both_names() {
    let authority = Authority::new();
    authority.signs_itself("root", P256).signs(
        "root",
        "leaf",
        P256,
        "subjectAltName=DNS:vpce-1.sts.example.test,IP:10.0.0.5\n",
        "",
    );
    let server = authority.serves("leaf", "");
    says(
        &authority.failure(&server, "root.pem"),
        "is for vpce-1.sts.example.test, 10.0.0.5, not for localhost",
        "Check the endpoint",
    );

    let authority = Authority::new();
    authority.signs_itself("root", P256).signs("root", "leaf", P256, "basicConstraints=CA:FALSE\n", "");
    let server = authority.serves("leaf", "");
    says(&authority.failure(&server, "root.pem"), "is for no name at all", "Check the endpoint");
}

#[test]
fn dates_are_a_matter_of_the_clock_or_of_the_server() {
    for (dates, said) in [
        ("-startdate 20200101000000Z -enddate 20210101000000Z", "expired at 2021-01-01T00:00:00Z; this machine's clock says 20"),
        ("-startdate 20980101000000Z -enddate 20990101000000Z", "valid from 2098-01-01T00:00:00Z; this machine's clock says 20"),
    ] {
        let authority = Authority::new();
        authority
            .signs_itself("root", P256)
            .openssl(&format!(
                "req -nodes -keyout leaf.key -out leaf.csr -subj /CN=localhost -addext subjectAltName=DNS:localhost {P256}"
            ))
            .openssl(&format!(
                "ca -batch -notext -config ca.cnf -cert root.pem -keyfile root.key -in leaf.csr -out leaf.pem {dates}"
            ));
        let server = authority.serves("leaf", "");
        says(&authority.failure(&server, "root.pem"), said, "this machine's clock");
    }
}

/// `openssl req -x509` makes such (awslabs/aws-sdk-rust#1286).
#[test]
fn an_authority_s_certificate_as_a_server_s_own_is_named_and_one_that_works_is_shown() {
    let authority = Authority::new();
    authority.signs_itself("leaf", &format!("{P256} -addext subjectAltName=DNS:localhost"));
    let server = authority.serves("leaf", "");
    says(&authority.failure(&server, "leaf.pem"), "an authority's certificate (CA:TRUE) as its own", "CA:FALSE");
}

#[test]
fn a_certificate_that_signed_itself_for_the_server_alone_is_trusted_if_it_is_in_the_bundle() {
    let authority = Authority::new();
    authority.signs_itself("leaf", &format!("{P256} {LEAF}"));
    let server = authority.serves("leaf", "");
    assert_eq!(authority.status(&server, "leaf.pem"), Ok(200));
    authority.signs_itself("leaf", &format!("{P256} {LEAF}")); // of the same name, anew
    let failure = authority.failure(&server, "leaf.pem");
    assert!(failure.remedy.contains("AWS_CA_BUNDLE"), "{failure}");
}

#[test]
fn a_certificate_for_clients_is_not_one_for_servers() {
    let authority = Authority::new();
    let extension = format!("{LOCALHOST}extendedKeyUsage=clientAuth\n");
    authority.signs_itself("root", P256).signs("root", "leaf", P256, &extension, "");
    let server = authority.serves("leaf", "");
    says(&authority.failure(&server, "root.pem"), "not one for servers", "made anew");
}

/// OpenSSL reads them all; the last one says itself that it is not for servers.
#[test]
fn labels_of_openssl_and_a_byte_order_mark_are_read() {
    let authority = Authority::new();
    authority
        .signs_itself("root", P256)
        .signs("root", "leaf", P256, LOCALHOST, "")
        .openssl("x509 -in root.pem -trustout -out plain.pem")
        .openssl("x509 -in root.pem -trustout -addtrust serverAuth -setalias ours -out trusted.pem")
        .openssl("x509 -in root.pem -trustout -addtrust clientAuth -out clients.pem")
        .openssl("x509 -in root.pem -trustout -addreject serverAuth -out rejected.pem");
    let server = authority.serves("leaf", "");
    let root = fs::read_to_string(authority.path("root.pem")).unwrap();
    let x509 = root.replace(" CERTIFICATE", " X509 CERTIFICATE");
    for (name, content) in [
        ("mark.pem", format!("\u{feff}{root}")),
        ("x509.pem", x509.clone()),
        ("all.pem", format!("\u{feff}# früher\r\n{}\r\n{root}", x509.replace('\n', "\r\n"))),
    ] {
        fs::write(authority.path(name), content).unwrap();
        assert_eq!(authority.status(&server, name), Ok(200), "{name}");
    }
    let latin = [b"# fr\xfcher\n".as_slice(), root.as_bytes()].concat();
    fs::write(authority.path("latin.pem"), latin).unwrap();
    for name in ["latin.pem", "plain.pem", "trusted.pem"] {
        assert_eq!(authority.status(&server, name), Ok(200), "{name}");
    }
    for name in ["clients.pem", "rejected.pem"] {
        let machine =
            Machine::with_keys().option("endpoint", server.url.as_str()).env("AWS_CA_BUNDLE", text(&authority.path(name)));
        let failure = machine.failure_of_identity();
        assert!(failure.message().contains("holds no certificate"), "{name}: {failure}");
    }
}

/// STS over TLS, with an authority that only `SSL_CERT_FILE` or `SSL_CERT_DIR` can name.
fn with_roots(name: &str, path: &Path) -> Machine {
    let machine = Machine::with_keys();
    let url = machine.aws.https_url();
    machine.env("AWS_ENDPOINT_URL", &url).env(name, text(path))
}

#[test]
fn a_missing_or_empty_file_of_authorities_is_named() {
    for (name, path, said) in [
        ("SSL_CERT_FILE", "/nonexistent/cert.pem", "it does not exist"),
        ("SSL_CERT_FILE", "/dev/null", "not a regular file"),
        ("SSL_CERT_FILE", "/etc/passwd", "holds no certificate"),
        ("SSL_CERT_DIR", "/nonexistent/a:/nonexistent/b", "/nonexistent/b cannot be read"),
        ("SSL_CERT_DIR", "/etc/cron.d", "holds no certificate"),
    ] {
        let failure = with_roots(name, Path::new(path)).failure_of_identity();
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.cause.contains(name) && failure.cause.contains(said), "{failure}");
    }
}

#[test]
fn one_of_the_two_may_be_wrong() {
    let machine = Machine::with_keys();
    let (url, bundle) = (machine.aws.https_url(), machine.aws.ca_bundle());
    let machine = machine.env("AWS_ENDPOINT_URL", &url).env("SSL_CERT_DIR", "/nonexistent");
    assert_eq!(machine.env("SSL_CERT_FILE", text(&bundle)).fetch().unwrap().arn(), world::DEMO_USER);
}

fn is_refused(machine: &Machine) -> bool {
    let failure = machine.failure_of_identity();
    failure.kind == Kind::Connection && failure.remedy.contains("AWS_CA_BUNDLE")
}

#[test]
fn authorities_are_read_again_for_each_fetch() {
    let machine = with_roots("SSL_CERT_FILE", Path::new("/nonexistent"));
    let (good, other) = (fs::read(machine.aws.ca_bundle()).unwrap(), Machine::bare());
    let place = machine.file("roots.pem", &good);
    let machine = machine.env("SSL_CERT_FILE", text(&place));
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
    fs::copy(other.aws.ca_bundle(), &place).unwrap();
    assert!(is_refused(&machine), "what was taken out is trusted no more");
    fs::remove_file(&place).unwrap();
    assert_eq!(machine.failure_of_identity().kind, Kind::Configuration);

    // A folder, with a link that leads to another file later.
    let folder = machine.home().join("roots");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&place, folder.join("12345678.0")).unwrap();
    fs::write(&place, good).unwrap();
    let machine = machine.without("SSL_CERT_FILE").env("SSL_CERT_DIR", &format!(":/nonexistent:{}", text(&folder)));
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
    fs::copy(other.aws.ca_bundle(), &place).unwrap();
    assert!(is_refused(&machine));
}

#[test]
fn a_file_that_blocks_makes_no_fetch_wait() {
    let place = Machine::bare();
    let fifo = place.home().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for path in [text(&fifo), "/proc/kmsg", "/proc/self/mem", "/dev/zero", "/proc/kcore"] {
        for name in ["SSL_CERT_FILE", "AWS_CA_BUNDLE"] {
            let (failure, took) = timed(|| with_roots(name, Path::new(path)).failure_of_identity());
            assert_eq!(failure.kind, Kind::Configuration, "{path}: {failure}");
            assert!(failure.cause.contains(path) && took < Duration::from_secs(1), "{path} {took:?}");
        }
    }
    // A FIFO among good files of a folder.
    let machine = with_roots("SSL_CERT_DIR", &place.home());
    fs::copy(machine.aws.ca_bundle(), place.home().join("a.pem")).unwrap();
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
}
