//! How the AWS SDK reaches an endpoint.
//!
//! The SDK's own default differs only in the cryptography library, whose C sources take longer to
//! build than everything else below the SDK ([ADR 0024](../../../docs/adr/0024-profiles.md)).

use aws_sdk_ecs::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};

/// HTTPS, with the certificates that the machine trusts and the proxy from the environment.
pub(crate) fn https() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

/// HTTP only, for local endpoints: without TLS there are no certificates to load, which is most of
/// a client's startup time.
pub(crate) fn plain() -> SharedHttpClient {
    Builder::new().build_http()
}
