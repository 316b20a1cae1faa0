//! What contents are called.

use longshore_replica::{Definition, Fetch};

use super::*;
use crate::launches::definitions::is_of;
use crate::launches::mapping::family::sealed;

#[test]
fn equal_content_has_an_equal_family_and_other_content_another() {
    let family = |task: &TaskInfo| planned(task).content.expect("nothing is named").family;
    let base = family(&task(shell("sleep 1")));
    assert!(base.starts_with("longshore-") && base.len() <= 255, "{base}");
    let mut other_environment = shell("sleep 1");
    other_environment.environment = Some(environment(&[("A", "1")]));
    let mut other_id = task(shell("sleep 1"));
    other_id.task_id.value = "t2".to_owned();
    for same in [task(shell("sleep 2")), task(other_environment), other_id] {
        assert_eq!(family(&same), base, "commands, environments and ids travel as overrides");
    }
    let mut other_user = shell("sleep 1");
    other_user.user = Some("nobody".to_owned());
    let mut families = vec![
        base,
        family(&within(docker("nginx"), shell("sleep 1"))),
        family(&within(docker("nginx:1"), shell("sleep 1"))),
        family(&within(mesos("nginx"), shell("sleep 1"))),
        family(&within(docker("nginx"), program(None, &[]))),
        family(&dockered(|docker| docker.privileged = Some(true))),
        family(&task(other_user)),
    ];
    families.sort_unstable();
    families.dedup();
    assert_eq!(families.len(), 7);
}

#[test]
fn the_family_and_the_digest_are_the_same_in_every_version() {
    let content = sealed(DefinitionContent {
        container: "task".into(),
        image: "nginx".into(),
        labels: [("b".into(), "2".into()), ("a".into(), "1".into())].into(),
        ..Default::default()
    });
    // echo -n '{"container":"task","image":"nginx","labels":{"a":"1","b":"2"}}' | sha256sum
    let digest = "0a9ff17c44efd002daf145260cf26f5fc8f97d02b0db45457c616b978b47ba4d";
    assert_eq!(&*content.labels[CONTENT_LABEL], digest);
    assert_eq!(*content.family, format!("longshore-{}", &digest[..32]));
    assert_eq!(sealed(content.clone()), content, "the label is no part of what it tells");
}

#[test]
fn a_definition_is_taken_for_a_content_only_if_it_says_that_it_is_the_whole_of_it() {
    let content = planned(&within(docker("nginx"), shell("sleep 1"))).content.expect("unnamed");
    let of = |image: &str, digest: Option<&Str>| Definition {
        images: vec![image.into()],
        content: digest.cloned(),
        ..Default::default()
    };
    let digest = content.labels.get(CONTENT_LABEL);
    assert!(is_of(&of("nginx", digest), &content));
    assert!(!is_of(&of("nginx", None), &content), "somebody else registered it");
    assert!(!is_of(&of("nginx", Some(&"0".into())), &content), "it has the same image");
    assert!(!is_of(&of("apache", digest), &content), "it was registered anew with another image");
    let two = Definition { images: vec!["nginx".into(), "envoy".into()], ..of("nginx", digest) };
    assert!(!is_of(&two, &content), "it has another container");
    let fetch = Some(Fetch { image: "envoy".into(), ..Default::default() });
    assert!(is_of(&two, &DefinitionContent { fetch, ..content }), "which is what fetches");
}
