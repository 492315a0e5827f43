//! The object an application gives as `source`.

use super::{
    context::{Context, Local},
    source::{Availability, Provided, Source},
};
use crate::failure::Failure;

const NAME: &str = "source";

pub(super) const SOURCE: Source = Source {
    name: NAME,
    is_metadata: false,
    label: |_| NAME.into(),
    provide: |context| Box::pin(async { provide(context) }),
    check,
};

fn provide(context: &Context<'_>) -> Result<Provided, Failure> {
    match &context.answers.source {
        Some(credentials) => Ok(credentials.clone().into()),
        None => Err(Failure::no_credentials(
            "The object given as source has no credentials.",
            "Give one whose credentials method returns access key id and secret access key.",
        )),
    }
}

/// Only the application can say: its object is not asked for a check.
fn check(_: &Local<'_>) -> Availability {
    Availability::Available("the application's object is asked at each fetch".into())
}
