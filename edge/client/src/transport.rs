//! How the AWS SDK reaches an endpoint.
//!
//! The SDK's own default is the same with another library for the cryptography, whose C sources take longer to build than
//! everything else below the SDK ([ADR 0024](../../../docs/adr/0024-profiles.md)).

use aws_sdk_ecs::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};

/// HTTPS, with the certificates that the machine trusts and the proxy that the environment names.
pub(crate) fn https() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

/// HTTP alone, for local endpoints: without TLS there are no certificates to read, which is most of what makes a client slow to
/// start.
pub(crate) fn plain() -> SharedHttpClient {
    Builder::new().build_http()
}
