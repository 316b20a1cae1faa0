//! Records the endpoint that the SDK uses, for messages: it depends on profiles, environment and
//! region.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ecs::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;

/// Remembers the endpoint of the latest request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Arc<Mutex<Option<String>>>);

impl Asked {
    pub(crate) fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for Asked {
    fn name(&self) -> &'static str {
        "Asked"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri = context.request().uri();
        // Without the path and the query: scheme://host.
        let end = uri.find("://").and_then(|at| uri[at + 3..].find('/').map(|more| at + 3 + more));
        let endpoint = uri[..end.unwrap_or(uri.len())].to_owned();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(endpoint);
        Ok(())
    }
}
