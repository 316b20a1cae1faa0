//! A group as it is written: its apps and pods, and those of the groups in it.
//!
//! What a group says nothing of, it keeps: one that is put with `apps` alone has its pods and groups as before. What it says, if only that
//! there are none, is all there is. Source: Marathon 1.11, `PUT /v2/groups/{id}`: "only those that are specified are changed".

use std::collections::BTreeSet;

use longshore_marathon::AppView;
use longshore_wire_marathon::form::{self, Detail, Refusal};
use longshore_wire_marathon::{App, PathId};
use serde_json::{Map, Value, json};

use super::{APPS_MAX, DEPTH_MAX};

/// The apps and pods below a group that is written, of which these are known.
///
/// # Errors
/// What is wrong, by its path.
pub(super) fn apps(
    group: &PathId,
    members: &Map<String, Value>,
    known: &[AppView],
) -> Result<Vec<App>, Refusal> {
    let mut written = Written { known, apps: Vec::new() };
    written.group(group, members, &[], DEPTH_MAX, "")?;
    let mut seen = BTreeSet::new();
    if let Some(twice) = written.apps.iter().find(|app| !seen.insert(&app.id)) {
        let text = format!("{} is there twice: ids of apps and pods are unique", twice.id);
        return Err(wrong("/", &text));
    }
    Ok(written.apps)
}

fn wrong(path: impl Into<String>, text: &str) -> Refusal {
    Refusal::not_valid(&[Detail::new(path, text)])
}

/// An id that is relative to a group, unless it begins with a slash.
pub(super) fn resolved(group: &PathId, id: &str) -> PathId {
    if id.starts_with('/') {
        return PathId::kept(form::absolute(id));
    }
    let mut labels: Vec<&str> = group.labels().collect();
    for label in id.split('/').filter(|label| !label.is_empty() && *label != ".") {
        if label == ".." {
            labels.pop();
        } else {
            labels.push(label);
        }
    }
    PathId::kept(format!("/{}", labels.join("/")))
}

/// The id of something that is written in a group.
fn id_in(group: &PathId, one: &Map<String, Value>) -> Result<PathId, Refusal> {
    let id = one.get("id").and_then(Value::as_str).map(|id| resolved(group, id));
    let id = id.ok_or_else(|| wrong("/id", "must be given"))?;
    if id.is_within(group) && id != *group {
        return Ok(id);
    }
    Err(wrong("/id", &format!("{id} must be below its group {group}")))
}

/// An app that is written in a group.
fn app_in(group: &PathId, one: &Value) -> Result<App, Refusal> {
    let Value::Object(one) = one else { return Err(wrong("/", "must be an object")) };
    let id = id_in(group, one)?;
    let mut one = one.clone();
    one.insert("id".to_owned(), json!(id));
    for dependency in
        one.get_mut("dependencies").and_then(Value::as_array_mut).into_iter().flatten()
    {
        if let Some(text) = dependency.as_str() {
            *dependency = json!(resolved(group, text));
        }
    }
    form::read(one).map(App::of)
}

/// A pod that is written in a group.
fn pod_in(group: &PathId, one: &Value) -> Result<App, Refusal> {
    let Value::Object(one) = one else { return Err(wrong("/", "must be an object")) };
    let id = id_in(group, one)?;
    let mut one = one.clone();
    one.insert("id".to_owned(), json!(id));
    form::read_pod(one).map(App::of_pod)
}

struct Written<'a> {
    known: &'a [AppView],
    apps: Vec<App>,
}

impl Written<'_> {
    /// Takes in a group, which is at a path of the text. What it depends on, its apps and pods do.
    fn group(
        &mut self,
        group: &PathId,
        members: &Map<String, Value>,
        above: &[PathId],
        depth: usize,
        path: &str,
    ) -> Result<(), Refusal> {
        if depth == 0 {
            return Err(wrong(format!("{path}/groups"), "groups are too deep in groups"));
        }
        let known = ["id", "apps", "groups", "pods", "dependencies", "version", "enforceRole"];
        if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(wrong(format!("{path}/{name}"), "is no member of a group"));
        }
        let list = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(&[][..]),
            Some(Value::Array(all)) => Ok(all.as_slice()),
            Some(_) => Err(wrong(format!("{path}/{name}"), "must be a list")),
        };
        let mut wanted = above.to_vec();
        wanted.extend(
            list("dependencies")?.iter().filter_map(Value::as_str).map(|id| resolved(group, id)),
        );
        for (name, read) in
            [("apps", app_in as fn(&PathId, &Value) -> Result<App, Refusal>), ("pods", pod_in)]
        {
            for (at, one) in list(name)?.iter().enumerate() {
                let place = format!("{path}/{name}({at})");
                self.takes(read(group, one).map_err(|why| why.within(&place))?, &wanted)?;
            }
        }
        self.keeps(group, members, &wanted)?;
        for (at, one) in list("groups")?.iter().enumerate() {
            let place = format!("{path}/groups({at})");
            let Value::Object(one) = one else { return Err(wrong(place, "must be an object")) };
            let id = id_in(group, one).map_err(|why| why.within(&place))?;
            self.group(&id, one, &wanted, depth - 1, &place)?;
        }
        Ok(())
    }

    /// Keeps what a group does not say anything of.
    fn keeps(
        &mut self,
        group: &PathId,
        members: &Map<String, Value>,
        wanted: &[PathId],
    ) -> Result<(), Refusal> {
        let is_left_out = |name: &str| members.get(name).is_none_or(Value::is_null);
        for view in self.known {
            let id = &view.app.id;
            if !id.is_within(group) || id == group {
                continue;
            }
            let name = match (id.parent() == *group, view.app.pod.is_some()) {
                (false, _) => "groups",
                (true, true) => "pods",
                (true, false) => "apps",
            };
            if is_left_out(name) {
                self.takes(App::clone(&view.app), wanted)?;
            }
        }
        Ok(())
    }

    fn takes(&mut self, mut app: App, wanted: &[PathId]) -> Result<(), Refusal> {
        let more = wanted.iter().filter(|id| !app.dependencies.contains(id));
        let more: Vec<PathId> = more.cloned().collect();
        app.dependencies.extend(more);
        self.apps.push(app);
        if self.apps.len() > APPS_MAX {
            let text = format!("must be at most {APPS_MAX} with pods in all");
            return Err(wrong("/apps", &text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_a_group_are_relative_to_it() {
        let shop = PathId::kept("/shop");
        for (id, whole) in
            [("db", "/shop/db"), ("../x", "/x"), ("/a/b", "/a/b"), ("./c/", "/shop/c")]
        {
            assert_eq!(resolved(&shop, id).as_str(), whole);
        }
    }

    #[test]
    fn pods_of_a_group_are_below_it_and_depend_on_what_it_does() {
        let container = json!({"name": "c", "exec": {"command": {"shell": "x"}}, "resources": {}});
        let written = json!({
            "id": "/shop", "dependencies": ["/base"], "pods": [{"id": "web", "containers": [container]}],
        });
        let members = written.as_object().expect("an object");
        let shop = PathId::kept("/shop");
        let apps = apps(&shop, members, &[]).expect("it is valid");
        assert_eq!((apps[0].id.as_str(), apps[0].pod.is_some()), ("/shop/web", true));
        assert_eq!(apps[0].dependencies, [PathId::kept("/base")]);
        let outside = json!({"id": "/shop", "pods": [{"id": "/web", "containers": []}]});
        let members = outside.as_object().expect("an object");
        assert!(super::apps(&shop, members, &[]).is_err());
    }

    #[test]
    fn a_group_is_its_apps_and_what_it_depends_on_they_do() {
        let written = json!({
            "id": "/shop", "apps": [{"id": "web", "cmd": "x", "dependencies": ["../shop/db/sql"]}],
            "groups": [{"id": "db", "dependencies": ["/base"], "apps": [{"id": "sql", "cmd": "y"}]}],
        });
        let members = written.as_object().expect("an object");
        let apps = apps(&PathId::kept("/shop"), members, &[]).expect("it is valid");
        let told: Vec<_> = apps
            .iter()
            .map(|app| {
                (app.id.as_str(), app.dependencies.iter().map(PathId::as_str).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(told, [("/shop/web", vec!["/shop/db/sql"]), ("/shop/db/sql", vec!["/base"])]);
    }

    fn shown(app: App) -> AppView {
        AppView {
            app: app.into(),
            counts: longshore_marathon::Counts::default(),
            deployment: None,
            failure: None,
            readiness: Vec::new(),
        }
    }

    #[test]
    fn what_a_group_says_nothing_of_it_keeps() {
        let shop = PathId::kept("/shop");
        let container = json!({"name": "c", "exec": {"command": {"shell": "x"}}, "resources": {}});
        let all = json!({
            "apps": [{"id": "a", "cmd": "x"}], "pods": [{"id": "p", "containers": [container]}],
            "groups": [{"id": "g", "apps": [{"id": "b", "cmd": "x"}]}],
        });
        let ids = |written: &Value, known: &[AppView]| -> Vec<String> {
            let members = written.as_object().expect("an object");
            let apps = apps(&shop, members, known).expect("it is valid");
            let mut ids: Vec<_> = apps.iter().map(|app| app.id.to_string()).collect();
            ids.sort();
            ids
        };
        let members = all.as_object().expect("an object");
        let known = apps(&shop, members, &[]).expect("it is valid");
        let known: Vec<AppView> = known.into_iter().map(shown).collect();
        let everything = ["/shop/a", "/shop/g/b", "/shop/p"];
        assert_eq!(ids(&json!({}), &known), everything);
        assert_eq!(ids(&json!({"pods": null, "groups": null}), &known), everything);
        assert_eq!(ids(&json!({"pods": []}), &known), everything[..2]);
        assert_eq!(ids(&json!({"apps": [], "groups": []}), &known), everything[2..]);
        let other = json!({"apps": [{"id": "z", "cmd": "x"}], "groups": [{"id": "g"}]});
        assert_eq!(ids(&other, &known), ["/shop/g/b", "/shop/p", "/shop/z"]);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place_in_the_whole() {
        let bad = json!({"id": "x", "cpus": -1, "cmd": "x"});
        let pod = json!({"id": "p", "containers": []});
        for (written, path) in [
            (json!({"apps": [bad]}), "/apps(0)/cpus"),
            (json!({"pods": [pod]}), "/pods(0)/containers"),
            (json!({"groups": [{"id": "g", "pods": [{}]}]}), "/groups(0)/pods(0)/id"),
            (json!({"groups": [{"id": "g", "apps": [7]}]}), "/groups(0)/apps(0)"),
            (json!({"groups": [{"id": "g", "bogus": 1}]}), "/groups(0)/bogus"),
        ] {
            let members = written.as_object().expect("an object");
            let why = apps(&PathId::kept("/shop"), members, &[]).expect_err("it is not valid");
            assert_eq!(why.body["details"][0]["path"], path, "{written}");
        }
    }
}
