//! Which requests pass the guard, which are rejected, and what the rejection says.

use super::*;

const LOCAL: &str = "127.0.0.1:5080";

fn guard(address: &str, callers: Callers, hosts: &[&str], origins: &[&str]) -> Guard {
    let rules = Rules {
        allow_hosts: hosts.iter().map(|host| host.parse().expect("a host")).collect(),
        allow_origins: origins.iter().map(|origin| origin.parse().expect("an origin")).collect(),
        insecure: false,
    };
    Guard::new(address.parse().expect("an address"), callers, rules)
}

fn local() -> Guard {
    guard(LOCAL, Callers::Anybody, &[], &[])
}

fn request(uri: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request")
}

/// The status of a rejection; `None` if the request passes.
fn status(guard: &Guard, uri: &str, headers: &[(&str, &str)]) -> Option<u16> {
    guard.check(&mut request(uri, headers)).err().map(|refused| refused.status.as_u16())
}

fn under(guard: &Guard, host: &str) -> Option<u16> {
    status(guard, "/", &[("host", host)])
}

fn from(headers: &[(&str, &str)]) -> Option<u16> {
    status(&local(), "/", &[&[("host", "localhost:5080")], headers].concat())
}

#[test]
fn a_loopback_port_answers_under_loopback_names_only() {
    for host in
        ["localhost", "localhost:5080", "LOCALHOST.:1", "127.0.0.1:5080", "127.1.2.3", "[::1]:5080"]
    {
        assert_eq!(under(&local(), host), None, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:5080",
        "localhost.evil.example",
        "0.0.0.0:5080",
        "10.0.0.1",
        "[::]",
    ] {
        assert_eq!(under(&local(), host), Some(403), "{host}");
    }
    for host in ["", "a b", "user@localhost", "localhost, evil.example"] {
        assert_eq!(under(&local(), host), Some(400), "{host}");
    }
}

#[test]
fn keys_do_not_make_a_loopback_port_answer_under_foreign_names() {
    let guard = guard(LOCAL, Callers::Proven, &[], &[]);
    assert_eq!(under(&guard, "evil.example:5080"), Some(403));
}

#[test]
fn a_name_that_was_allowed_is_one_of_ours_and_a_refusal_names_the_flag() {
    let guard = guard(LOCAL, Callers::Anybody, &["ecs.test", "10.0.0.1"], &[]);
    for host in ["ecs.test", "ECS.test.:5080", "10.0.0.1:5080"] {
        assert_eq!(under(&guard, host), None, "{host}");
    }
    assert_eq!(under(&guard, "a.ecs.test"), Some(403));
    let refused = guard.check(&mut request("/", &[("host", "Other.test:1")])).expect_err("refused");
    assert!(refused.why.contains("--allow-host other.test"), "{}", refused.why);
}

#[test]
fn a_port_of_the_network_answers_under_addresses_and_where_callers_are_known_under_any_name() {
    let open = guard("0.0.0.0:5080", Callers::Anybody, &["build.test"], &[]);
    for host in ["10.0.0.1:5080", "[2001:db8::1]", "localhost", "build.test"] {
        assert_eq!(under(&open, host), None, "{host}");
    }
    assert_eq!(under(&open, "evil.example:5080"), Some(403));
    let proven = guard("10.0.0.1:5080", Callers::Proven, &[], &[]);
    assert_eq!(under(&proven, "anything.example:5080"), None);
    assert_eq!(under(&proven, "a b"), Some(400));
    // Containers are given an address.
    let told = guard("172.17.0.1:51679", Callers::Told, &[], &[]);
    assert_eq!(under(&told, "172.17.0.1:51679"), None);
    assert_eq!(under(&told, "evil.example:51679"), Some(403));
}

#[test]
fn a_host_that_is_missing_doubled_or_contradicted_by_the_target_is_refused() {
    let guard = local();
    assert_eq!(status(&guard, "/", &[]), Some(400));
    let mut old = request("/", &[]);
    *old.version_mut() = Version::HTTP_10;
    assert_eq!(guard.check(&mut old), Ok(None));
    assert_eq!(status(&guard, "/", &[("host", "localhost"), ("host", "localhost")]), Some(400));
    assert_eq!(status(&guard, "/", &[("host", "localhost"), ("host", "evil.example")]), Some(400));
    let localhost = [("host", "localhost:5080")];
    assert_eq!(status(&guard, "http://localhost:5080/", &localhost), None);
    assert_eq!(status(&guard, "http://localhost:5080/", &[]), None);
    assert_eq!(status(&guard, "http://evil.example/", &localhost), Some(403));
    assert_eq!(status(&guard, "http://evil.example/", &[]), Some(403));
    assert_eq!(status(&guard, "http://localhost/", &[("host", "evil.example")]), Some(403));
}

/// Singularity with a secret asks for `http://name:secret@host:port/redirect`.
#[test]
fn a_user_in_the_target_makes_no_difference_to_whose_host_it_is() {
    let localhost = [("host", "localhost:5080")];
    let guard = local();
    assert_eq!(status(&guard, "http://name:secret@localhost:5080/", &localhost), None);
    assert_eq!(status(&guard, "http://name:secret@127.0.0.1:5080/", &[]), None);
    assert_eq!(status(&guard, "http://localhost@evil.example/", &localhost), Some(403));
    let own = [("host", "localhost:5080"), ("origin", "http://localhost:5080")];
    assert_eq!(status(&guard, "http://name:secret@localhost:5080/", &own), None);
}

#[test]
fn programs_and_people_pass() {
    assert_eq!(from(&[]), None);
    assert_eq!(from(&[("sec-fetch-site", "none")]), None);
    assert_eq!(from(&[("sec-fetch-site", "same-origin")]), None);
    assert_eq!(from(&[("origin", "http://localhost:5080")]), None);
    assert_eq!(
        from(&[("origin", "http://localhost:5080"), ("sec-fetch-site", "same-origin")]),
        None
    );
    assert_eq!(from(&[("referer", "http://localhost:5080/state")]), None);
}

#[test]
fn pages_of_other_origins_are_refused_however_they_call() {
    for headers in [
        &[("origin", "http://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "")],
        &[("origin", "http://localhost:3000")],
        &[("origin", "http://127.0.0.1:5080")],
        &[("origin", "http://localhost:5080"), ("origin", "http://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "of-tomorrow")],
        &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
        &[("origin", "http://localhost:5080"), ("sec-fetch-site", "cross-site")],
        &[("referer", "http://evil.example/")],
        &[("referer", "http://localhost:5080.evil.example/")],
        &[("referer", "about:blank")],
    ] {
        assert_eq!(from(headers), Some(403), "{headers:?}");
    }
}

#[test]
fn a_page_that_was_allowed_passes_is_marked_and_may_read() {
    let guard = guard(LOCAL, Callers::Anybody, &[], &["http://localhost:3000"]);
    let host = ("host", "localhost:5080");
    for headers in [
        &[host, ("origin", "http://localhost:3000"), ("sec-fetch-site", "same-site")][..],
        &[host, ("referer", "http://localhost:3000/page"), ("sec-fetch-site", "same-site")],
    ] {
        let mut request = request("/", headers);
        let reader = guard.check(&mut request).expect("it passes");
        assert_eq!(reader.as_ref().map(HeaderValue::as_bytes), Some(&b"http://localhost:3000"[..]));
        assert!(is_from_allowed_page(request.extensions()));
    }
    let other = [host, ("origin", "http://localhost:4000"), ("sec-fetch-site", "same-site")];
    let refused = guard.check(&mut request("/", &other)).expect_err("refused");
    assert!(refused.why.contains("--allow-origin http://localhost:4000"), "{}", refused.why);
    assert_eq!(
        status(&guard, "/", &[("host", "evil.example"), ("origin", "http://localhost:3000")]),
        Some(403)
    );
}

#[test]
fn what_browsers_say_of_themselves_makes_a_page() {
    let headers = |headers: &[(&str, &str)]| request("/", headers).headers().clone();
    assert!(!is_from_page(&headers(&[("host", "localhost"), ("user-agent", "aws-cli")])));
    for (name, value) in [
        ("origin", "http://localhost:5080"),
        ("referer", "http://localhost:5080/"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "no-cors"),
    ] {
        assert!(is_from_page(&headers(&[(name, value)])), "{name}");
    }
}
