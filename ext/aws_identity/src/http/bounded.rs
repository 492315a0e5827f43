//! Answers: bounded, in memory that is wiped, and with the time that they tell.

use super::{sent, trace};
use crate::credentials::KnownSecrets;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::{DateTime, body::SdkBody, byte_stream::ByteStream, date_time::Format};
use bytes::Bytes;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::SystemTime,
};
use zeroize::Zeroizing;

/// More than any answer of STS, IMDS or a container endpoint has; a longer one does not come from AWS.
const BODY_LIMIT: usize = 1 << 20;

/// Reads the whole answer, up to a bound, and notes the time in its `Date` header.
#[derive(Debug)]
pub(super) struct Bounded {
    pub(super) inner: Connector,
    pub(super) clock: Arc<AtomicI64>,
    pub(super) secrets: KnownSecrets,
}

impl HttpConnector for Bounded {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        trace::without_none(&mut request);
        sent::note(&request, &self.secrets);
        let answer = self.inner.call(request);
        let clock = Arc::clone(&self.clock);
        HttpConnectorFuture::new(async move {
            let mut reply = answer.await?;
            record_clock_offset(&reply, &clock);
            *reply.body_mut() = read_body(reply.take_body()).await?;
            Ok(reply)
        })
    }
}

/// The whole answer in one buffer, which is wiped when its last reader has dropped it: it may be credentials. The HTTP
/// library's buffers, and what this one outgrows, are wiped by the allocator of the binding.
async fn read_body(body: SdkBody) -> Result<SdkBody, ConnectorError> {
    let mut stream = ByteStream::new(body);
    let mut whole = Zeroizing::new(Vec::new());
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| ConnectorError::io(error.into()))?;
        if whole.len() + chunk.len() > BODY_LIMIT {
            let text =
                format!("the answer is longer than {BODY_LIMIT} bytes; it does not come from AWS");
            return Err(ConnectorError::user(text.into()));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(wiped_body(whole))
}

/// A body that is wiped with the last copy of it.
#[must_use]
pub fn wiped_body(bytes: Zeroizing<Vec<u8>>) -> SdkBody {
    SdkBody::from(Bytes::from_owner(bytes))
}

fn record_clock_offset(reply: &HttpResponse, clock: &AtomicI64) {
    let service_time = reply
        .headers()
        .get("date")
        .and_then(|date| DateTime::from_str(date, Format::HttpDate).ok())
        .and_then(|date| date.to_millis().ok());
    let own_time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    if let (Some(service_time), Ok(own_time)) = (service_time, own_time) {
        let own_time = i64::try_from(own_time.as_millis()).unwrap_or(i64::MAX);
        // The header has whole seconds: inside one it says nothing.
        let offset = service_time - own_time;
        clock.store(if offset.abs() <= 1500 { 0 } else { offset }, Relaxed);
    }
}
