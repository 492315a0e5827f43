//! An endpoint that says everything it was sent: no secret is in what a fetch says.

use crate::{
    login::logged_in,
    sso::{HOUR, SESSION_FILE, log_in, login, with_sso},
    support::{Machine, read, refresh},
};
use aws_identity::{
    credentials::{Credentials, Secret},
    failure::{Failure, Kind},
    fetch::FetchRequest,
    providers::CallbackAnswers,
    session::TokenStep,
    sts::IdentityTokenRequest,
};
use fake_aws::{Answer, Rule, Service, world};
use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, sync::atomic::AtomicBool};

/// As one that STS gives: percent-encoding and XML change it.
const TOKEN: &str = "IQoJb3JpZ2luX2VjE/canary+of&the<specs>sings==IQoJb3JpZ2luX2Vj/of/the+file";

fn echo(machine: &Machine, service: Service, status: u16) {
    machine.aws.add_rule(Rule::on(service).answer(Answer::Echo(status)));
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() {
            all.push(byte.into());
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}

/// No part of 16 characters of a secret is in the failure, and what it says is one line that can be shown.
fn assert_hidden(failure: &Failure, secrets: &[&str]) {
    let said = format!("{failure:?}");
    for secret in secrets {
        for form in [(*secret).to_owned(), percent_encoded(secret)] {
            let size = form.len().min(16);
            for part in form.as_bytes().windows(size) {
                let part = str::from_utf8(part).unwrap();
                assert!(!said.contains(part), "{part} is in {said}");
            }
        }
    }
    assert!(!failure.message().contains(char::is_control), "{failure}");
    assert!(failure.cause.chars().count() < 900, "{failure}");
    assert!(said.contains("[secret]"), "the endpoint is not quoted: {said}");
    let code = failure.code.as_deref().unwrap_or("none");
    assert!(code.len() <= 64 && !code.contains(['\n', ' ', '/']), "{code:?}");
}

#[test]
fn sts_says_neither_session_token_nor_web_identity_token() {
    let machine = Machine::with_keys().env("AWS_SESSION_TOKEN", TOKEN);
    for status in [400, 403] {
        echo(&machine, Service::Sts, status);
        assert_hidden(&machine.failure_of_identity(), &[TOKEN]);
        machine.aws.clear_rules();
    }
    let machine = Machine::with_web_identity();
    echo(&machine, Service::Sts, 400);
    let failure = machine.failure();
    assert_hidden(&failure, &[world::IRSA_TOKEN]);
    assert!(failure.cause.contains("AssumeRoleWithWebIdentity"), "{failure}");
}

#[test]
fn sts_says_neither_external_id_nor_mfa_code() {
    let id = "partner/2041:canary=12345";
    let machine = Machine::with_keys()
        .option("role_arn", world::WORKER_ROLE)
        .option("external_id", id)
        .option("serial_number", "arn:aws:iam::123456789012:mfa/demo")
        .option("token_provider", true);
    echo(&machine, Service::Sts, 400);
    let answers = CallbackAnswers { token_code: Some(Secret::new("271828")), ..CallbackAnswers::default() };
    let failure = machine.fetch_with(answers).unwrap_err();
    assert_hidden(&failure, &[id, "271828"]);
}

#[test]
fn what_the_session_holds_is_not_said_either() {
    let machine = Machine::with_keys();
    let mut held = Credentials::new("ASIAHELD", "canary0secret0of0the0session", Some(TOKEN.into()), "test");
    held.expires_at = None;
    let message = format!("we had {TOKEN}, canary0secret0of0the0session and another0token0that0was0handed0out");
    let answer = Answer::Error { status: 403, code: "AccessDenied".into(), message };
    machine.aws.add_rule(Rule::on(Service::Sts).answer(answer));
    let request = FetchRequest {
        held: Some(Arc::new(held)),
        secrets: vec![Secret::new("another0token0that0was0handed0out")],
        identity: true,
        ..FetchRequest::default()
    };
    let failure = machine.fetch_for(request).unwrap().identity.unwrap().unwrap_err();
    assert_hidden(&failure, &[TOKEN, "canary0secret0of0the0session", "another0token0that0was0handed0out"]);
}

#[test]
fn a_refusal_of_an_identity_token_says_no_secret() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    let session = machine.session();
    read(&session).unwrap();
    let token = session.held().unwrap().credentials.session_token.clone().unwrap();
    echo(&machine, Service::Sts, 400);
    let request = IdentityTokenRequest {
        audience: ["https://vault.example".to_owned()].into(),
        duration_seconds: 300,
        signing_algorithm: "RS256".into(),
        tags: BTreeMap::new(),
    };
    let TokenStep::Wait(task) = session.identity_token(&request).unwrap() else {
        panic!("there is no token yet");
    };
    task.wait(&AtomicBool::new(false));
    let failure = session.finish_identity_token(&request, &task).unwrap().map(|_| ()).unwrap_err();
    assert_hidden(&failure, &[token.expose()]);
    assert_hidden(&refresh(&session).unwrap_err(), &[world::DEMO_SECRET]);
}

#[test]
fn imds_and_a_container_endpoint_say_no_token() {
    let machine = Machine::with_imds().option("resolve_timeout", 1);
    machine.aws.add_rule(Rule::on(Service::Imds).action("Credentials").answer(Answer::Echo(400)));
    let failure = machine.failure();
    let sent = machine.requests(Service::Imds, "Credentials").remove(0).headers["x-aws-ec2-metadata-token"].clone();
    assert_hidden(&failure, &[&sent]);

    let letters = "c4n4ry0f7h3sp3cs51ngs1nn0c4g3";
    let machine = Machine::with_container().option("resolve_timeout", 1).env("AWS_CONTAINER_AUTHORIZATION_TOKEN", letters);
    echo(&machine, Service::Container, 400);
    assert_hidden(&machine.failure(), &[letters]);
    machine.aws.clear_rules();
    let text = format!(r#"{{"Code":"{letters}","Message":"no {letters}"}}"#);
    let answer = Answer::Body { status: 200, content_type: "application/json".into(), text };
    machine.aws.add_rule(Rule::on(Service::Container).answer(answer));
    assert_hidden(&machine.failure(), &[letters]);
}

#[test]
fn the_services_of_a_login_say_no_token() {
    let secrets = [world::SSO_ACCESS_TOKEN, world::SSO_REFRESH_TOKEN, world::SSO_CLIENT_SECRET, world::SIGNIN_REFRESH_TOKEN];
    for status in [400, 401, 403] {
        let machine = with_sso(true);
        log_in(&machine, SESSION_FILE, &login(HOUR));
        echo(&machine, Service::Sso, status);
        assert_hidden(&machine.failure(), &secrets);
        log_in(&machine, SESSION_FILE, &login(-HOUR));
        assert_hidden(&machine.failure(), &secrets);

        let machine = logged_in(-HOUR);
        echo(&machine, Service::Signin, status);
        assert_hidden(&machine.failure(), &secrets);
    }
}

#[test]
fn what_aws_really_says_stays_readable() {
    let said = "User: arn:aws:iam::123456789012:user/demo is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/worker";
    let long = said.replace("user/demo", &format!("user/{}", "x".repeat(1900)));
    for (message, shown) in [
        (said, said),
        (&long, "... is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/worker"),
    ] {
        let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
        let answer = Answer::Error { status: 403, code: "AccessDenied".into(), message: message.into() };
        machine.aws.add_rule(Rule::on(Service::Sts).action("AssumeRole").answer(answer));
        let failure = machine.failure();
        assert!(failure.cause.contains(shown), "{failure}");
        assert_eq!((failure.kind, failure.code.as_deref()), (Kind::AccessDenied, Some("AccessDenied")));
        assert!(failure.request_id.is_some());
    }
    let long = long.replace("sts:AssumeRole", "sts:TagSession");
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    let answer = Answer::Error { status: 403, code: "AccessDenied\n  ok    identity".into(), message: long };
    machine.aws.add_rule(Rule::on(Service::Sts).answer(answer));
    let failure = machine.failure();
    assert_eq!(failure.code, None, "no code has a line end in it");
    assert!(failure.remedy.contains("sts:TagSession"), "{failure}");
}

/// Percent-encoding changes it.
const PASSWORD: &str = "canary+of/the:proxy=11";

#[test]
fn a_proxy_or_an_endpoint_says_no_password_of_its_address() {
    let encoded = percent_encoded(PASSWORD);
    let basic = "YW5uYTpjYW5hcnkrb2YvdGhlOnByb3h5PTEx"; // of anna:PASSWORD
    let machine = Machine::with_keys().option("endpoint", "http://sts.example.test");
    let proxy = machine.aws.proxy_url().replace("//", &format!("//anna:{encoded}@"));
    let machine = machine.env("HTTP_PROXY", &proxy);
    let message = format!("Proxy-Authorization: Basic {basic}, that is anna:{PASSWORD} ({encoded})");
    let answer = Answer::Error { status: 407, code: "AccessDenied".into(), message };
    machine.aws.add_rule(Rule::on(Service::Sts).answer(answer));
    assert_hidden(&machine.failure_of_identity(), &[PASSWORD, basic]);

    for status in [400, 403] {
        let machine = Machine::with_keys();
        let url = machine.aws.http_url().replace("//", &format!("//anna:{encoded}@"));
        let machine = machine.option("endpoint", url);
        let message = format!("Authorization: Basic {basic}, that is anna:{PASSWORD} ({encoded})");
        let answer = Answer::Error { status, code: "AccessDenied".into(), message };
        machine.aws.add_rule(Rule::on(Service::Sts).answer(answer));
        let failure = machine.failure_of_identity();
        assert_hidden(&failure, &[PASSWORD, basic]);
    }
}

#[test]
fn an_answer_that_is_good_says_no_secret_beside_the_credentials() {
    let machine = Machine::with_web_identity();
    let token = world::IRSA_TOKEN;
    let text = format!(
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAX</AccessKeyId>\
         <SecretAccessKey>canarysecretofanswer</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2096-01-01T00:00:00Z</Expiration></Credentials>\
         <SubjectFromWebIdentityToken>{token}</SubjectFromWebIdentityToken><Audience>{token}</Audience><Provider>{token}</Provider>\
         <SourceIdentity>{token}</SourceIdentity><AssumedRoleUser><AssumedRoleId>{token}</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/{token}/x</Arn></AssumedRoleUser>\
         </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    );
    let answer = Answer::Body { status: 200, content_type: "text/xml".into(), text };
    machine.aws.add_rule(Rule::on(Service::Sts).action("AssumeRoleWithWebIdentity").answer(answer));
    let text = format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/{token}</Arn><UserId>{token}</UserId>\
         <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    let answer = Answer::Body { status: 200, content_type: "text/xml".into(), text };
    machine.aws.add_rule(Rule::on(Service::Sts).action("GetCallerIdentity").answer(answer));
    let fetched = machine.fetch().unwrap();
    let details = &fetched.credentials.details;
    assert!(details.values().any(|text| text.contains("[secret]")), "{details:?}");
    let said = format!("{fetched:?}");
    assert!(!said.contains(token), "{said}");
}

#[test]
fn an_external_id_that_is_the_name_of_session_or_role_too_is_no_secret_of_a_good_answer() {
    let name = "tenant-0123456789abcdef";
    let machine =
        Machine::with_keys().option("role_arn", world::WORKER_ROLE).option("external_id", name).option("role_session_name", name);
    let fetched = machine.fetch().unwrap();
    assert!(fetched.credentials.details["assumed_role_arn"].ends_with(name), "{fetched:?}");
    let identity = fetched.identity.unwrap().unwrap();
    assert!(identity.principal.arn.ends_with(name), "{identity:?}");
}
