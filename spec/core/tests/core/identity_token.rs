//! Tokens of STS that say who the caller is.

use crate::support::{Machine, read};
use aws_identity::{
    session::{Session, TokenStep},
    sts::IdentityTokenRequest,
    tokens::TokenFetch,
};
use fake_aws::{Answer, Rule, Service, world};
use std::{collections::BTreeMap, sync::Arc, sync::atomic::AtomicBool};

fn request() -> IdentityTokenRequest {
    IdentityTokenRequest {
        audience: ["https://vault.example".to_owned()].into(),
        duration_seconds: 300,
        signing_algorithm: "RS256".into(),
        tags: BTreeMap::new(),
    }
}

fn asked(session: &Session) -> Arc<TokenFetch> {
    let TokenStep::Wait(task) = session.identity_token(&request()).unwrap() else {
        panic!("a token is held");
    };
    task.wait(&AtomicBool::new(false));
    task
}

#[test]
fn a_refused_key_is_replaced_and_not_the_one_after_it() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    let session = machine.session();
    read(&session).unwrap();
    let answer = Answer::Error { status: 403, code: "ExpiredTokenException".into(), message: "because".into() };
    let rule = machine.aws.add_rule(Rule::on(Service::Sts).action("GetWebIdentityToken").answer(answer));
    let refused = asked(&session);
    assert!(session.finish_identity_token(&request(), &refused).unwrap().is_err());
    assert!(session.needs_refresh());
    machine.aws.remove_rule(rule);
    read(&session).unwrap();
    asked(&session);
    let late = session.finish_identity_token(&request(), &refused).unwrap();
    assert!(late.is_err(), "for a second reader who had waited, too");
    assert!(!session.needs_refresh(), "the next key was not refused");
}
