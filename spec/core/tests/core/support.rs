//! A machine for one test: a local AWS, an empty HOME, an environment, and the options of its sessions.

use aws_identity::{
    attempt::Attempt,
    config::{Layers, Settings},
    credentials::Credentials,
    environment::Environment,
    failure::Failure,
    fetch::{FetchRequest, fetch},
    identity::Identity,
    providers::CallbackAnswers,
    session::{Fetch, Purpose, Rounds, Session, Step},
    task::deadline::Deadline,
    task::fetch_task::{FetchTask, Woken},
    task::fork_gate::{NoFork, SharedGate},
};
use fake_aws::{Entry, FakeAws, Filter, Service, World, world};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

pub struct Machine {
    pub aws: FakeAws,
    environment: BTreeMap<String, String>,
    options: Map<String, Value>,
    settings: Map<String, Value>,
    cap: Option<Duration>,
    gate: SharedGate,
}

/// The result of a fetch.
#[derive(Debug)]
pub struct Fetched {
    pub credentials: Arc<Credentials>,
    pub identity: Option<Result<Identity, Failure>>,
    pub region: String,
    pub attempts: Vec<Attempt>,
    pub clock_offset: Option<i64>,
}

impl Fetched {
    pub fn arn(&self) -> String {
        self.identity.as_ref().unwrap().as_ref().unwrap().principal.arn.clone()
    }

    pub fn source(&self) -> &str {
        &self.credentials.source
    }
}

impl Machine {
    /// Has no credentials; STS is the local one, IMDS is disabled, and there is no DMI data of EC2.
    pub fn bare() -> Self {
        let aws = FakeAws::start(World::standard()).unwrap();
        let url = aws.http_url();
        let home = aws.directory().join("home");
        fs::create_dir_all(home.join(".aws")).unwrap();
        let machine =
            Self { aws, environment: BTreeMap::new(), options: Map::new(), settings: Map::new(), cap: None, gate: &NoFork };
        machine
            .env("HOME", home.to_str().unwrap())
            .env("PATH", "/usr/bin:/bin")
            .env("AWS_ENDPOINT_URL", &url)
            .env("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// The demo user's keys in the environment.
    pub fn with_keys() -> Self {
        Self::bare().env("AWS_ACCESS_KEY_ID", world::DEMO_KEY_ID).env("AWS_SECRET_ACCESS_KEY", world::DEMO_SECRET)
    }

    /// An EC2 instance: IMDS is its only source.
    pub fn with_imds() -> Self {
        let machine = Self::bare().without("AWS_EC2_METADATA_DISABLED");
        let url = machine.aws.http_url();
        machine.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)
    }

    /// An ECS task: the container endpoint is its only source.
    pub fn with_container() -> Self {
        let machine = Self::bare();
        let uri = format!("{}{}", machine.aws.http_url(), world::ECS_PATH);
        machine.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri).env("AWS_CONTAINER_AUTHORIZATION_TOKEN", world::ECS_TOKEN)
    }

    /// A pod with a service account.
    pub fn with_web_identity() -> Self {
        let machine = Self::bare();
        let file = machine.file("token", world::IRSA_TOKEN);
        machine.env("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().unwrap()).env("AWS_ROLE_ARN", world::IRSA_ROLE)
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    pub fn option(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.options.insert(name.into(), value.into());
        self
    }

    pub fn setting(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = Some(cap);
        self
    }

    pub fn gate(mut self, gate: SharedGate) -> Self {
        self.gate = gate;
        self
    }

    /// `~/.aws/config`.
    pub fn config(self, text: &str) -> Self {
        fs::write(self.home().join(".aws/config"), text).unwrap();
        self
    }

    /// `~/.aws/credentials`.
    pub fn credentials_file(self, text: &str) -> Self {
        fs::write(self.home().join(".aws/credentials"), text).unwrap();
        self
    }

    pub fn home(&self) -> PathBuf {
        self.aws.directory().join("home")
    }

    /// A file next to HOME.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.aws.directory().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The folder read in place of `/sys/class/dmi/id`: empty unless a test writes to it.
    pub fn dmi_folder(&self) -> PathBuf {
        let folder = self.aws.directory().join("dmi");
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub fn settings(&self) -> Result<Settings, Failure> {
        Settings::new(self.layers())
    }

    pub fn layers(&self) -> Layers {
        Layers {
            options: self.options.clone(),
            settings: self.settings.clone(),
            is_malformed: false,
            environment: Environment::new(self.environment.clone()),
            deadline_cap: self.cap,
            inherited_profile: None,
            dmi_folder: Some(self.dmi_folder()),
        }
    }

    pub fn session(&self) -> Session {
        Session::new(self.settings().unwrap(), self.gate)
    }

    /// Credentials and identity, in one fetch.
    pub fn fetch(&self) -> Result<Fetched, Failure> {
        self.fetch_with(CallbackAnswers::default())
    }

    pub fn fetch_with(&self, answers: CallbackAnswers) -> Result<Fetched, Failure> {
        self.fetch_for(FetchRequest { identity: true, answers, ..FetchRequest::default() })
    }

    pub fn fetch_for(&self, request: FetchRequest) -> Result<Fetched, Failure> {
        let settings = Arc::new(self.settings()?);
        let gate = self.gate;
        let task =
            FetchTask::spawn(gate, Deadline::new(settings.resolve_timeout.value, settings.deadline_cap), move |context| {
                fetch(settings, request, gate, context)
            })?;
        match task.wait(&AtomicBool::new(false)) {
            Woken::Completed => {}
            woken => panic!("the fetch task was abandoned: {woken:?}"),
        }
        match task.outcome().unwrap() {
            Ok(result) => Ok(Fetched {
                credentials: Arc::clone(&result.credentials),
                identity: result.identity.clone(),
                region: result.region.clone(),
                attempts: result.attempts.clone(),
                clock_offset: result.clock_offset,
            }),
            Err(failure) => Err(failure.clone()),
        }
    }

    /// The failure of a fetch, which shows no secret of the local AWS.
    pub fn failure(&self) -> Failure {
        let failure = self.fetch().unwrap_err();
        assert_no_secret(&format!("{failure:?}"));
        failure
    }

    /// The failure of the identity request.
    pub fn failure_of_identity(&self) -> Failure {
        let failure = match self.fetch() {
            Ok(fetched) => fetched.identity.unwrap().unwrap_err(),
            Err(failure) => failure,
        };
        assert_no_secret(&format!("{failure:?}"));
        failure
    }

    /// The number of requests for `action`.
    pub fn count(&self, service: Service, action: &str) -> usize {
        self.requests(service, action).len()
    }

    pub fn requests(&self, service: Service, action: &str) -> Vec<Entry> {
        self.aws.requests().into_iter().filter(|entry| entry.service == service && entry.action == action).collect()
    }

    /// The actions of all requests, in order.
    pub fn actions(&self) -> Vec<String> {
        self.aws.requests().into_iter().map(|entry| entry.action).collect()
    }

    /// The only request for `action`.
    pub fn the(&self, service: Service, action: &str) -> Entry {
        let mut all = self.requests(service, action);
        assert_eq!(all.len(), 1, "{action}: {all:#?}");
        all.remove(0)
    }

    pub fn wait_for(&self, service: Service, action: &str, count: usize) {
        let filter = Filter { service: Some(service), action: Some(action.into()) };
        self.aws.wait_for_requests(&filter, count, Duration::from_secs(5)).unwrap();
    }
}

pub fn assert_no_secret(text: &str) {
    for secret in [
        world::DEMO_SECRET,
        world::IRSA_TOKEN,
        world::ECS_TOKEN,
        world::EKS_TOKEN,
        world::SSO_ACCESS_TOKEN,
        world::SSO_REFRESH_TOKEN,
        world::SSO_CLIENT_SECRET,
        "canary",
    ] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

/// `source outcome` of each attempt.
pub fn outcomes(attempts: &[Attempt]) -> Vec<String> {
    attempts.iter().map(|attempt| format!("{} {}", attempt.source, attempt.outcome.as_str())).collect()
}

/// A profile with the demo user's keys, for the credentials file.
pub fn keys_profile(name: &str) -> String {
    let (id, secret) = (world::DEMO_KEY_ID, world::DEMO_SECRET);
    format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
}

/// The result of `job`, and how long it took.
pub fn timed<T>(job: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = job();
    (result, start.elapsed())
}

/// Waits for `task` like a reader.
pub fn wait(task: &Arc<Fetch>) {
    task.wait(&AtomicBool::new(false));
}

/// Does what a caller of the binding does: begins, waits, and begins again.
pub fn run(session: &Session, purpose: Purpose) -> Result<u64, Failure> {
    let mut rounds = Rounds::default();
    loop {
        match session.begin(purpose, None)? {
            Step::Ready(serial) => return Ok(serial),
            Step::Helper { .. } => panic!("there is no helper thread here"),
            Step::Wait(task) => {
                wait(&task);
                if let Some(outcome) = session.finish(purpose, &task, &mut rounds) {
                    return outcome;
                }
            }
        }
    }
}

/// Reads the credentials.
pub fn read(session: &Session) -> Result<u64, Failure> {
    run(session, Purpose::Credentials)
}

/// Reads the identity.
pub fn read_identity(session: &Session) -> Result<Arc<Identity>, Failure> {
    run(session, Purpose::Identity).map(|_| session.known().unwrap().1)
}

/// Forces a refresh.
pub fn refresh(session: &Session) -> Result<u64, Failure> {
    run(session, Purpose::Refresh)
}

/// What a waiter of `task` gets.
pub fn finish(session: &Session, purpose: Purpose, task: &Arc<Fetch>) -> Result<u64, Failure> {
    session.finish(purpose, task, &mut Rounds::default()).unwrap()
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
