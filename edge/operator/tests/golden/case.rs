//! A request and the form of its answer: from a golden file, and from a form file.

use std::fmt::Write as _;

use crate::form::Form;
use crate::tree::Tree;

/// One exchange.
#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) content_type: Option<String>,
    pub(crate) accept: Option<String>,
    pub(crate) body: String,
    pub(crate) status: u16,
    pub(crate) answer_type: Option<String>,
    pub(crate) allow: Option<String>,
    /// The body of the answer, if it is text.
    pub(crate) says: Option<String>,
    /// The form of the answer, if it is JSON.
    pub(crate) form: Option<Form>,
    /// Whether the JSON stands in a call of a function.
    pub(crate) is_jsonp: bool,
    /// The forms of records by their type, if it is a stream.
    pub(crate) records: Vec<(String, Form)>,
}

/// All exchanges of a golden file. Requests of other kinds than those that we answer here are left out.
pub(crate) fn of_golden(text: &str) -> Vec<Case> {
    let raw: serde_json::Value = serde_json::from_str(text).expect("golden files are JSON");
    let tree: Tree = serde_json::from_str(text).expect("golden files are JSON");
    let mut cases = Vec::new();
    if let Some(conversation) = raw.get("conversation") {
        cases.push(stream(conversation, &tree));
    }
    collect(&raw, &tree, "-", &mut cases);
    cases
}

fn collect(raw: &serde_json::Value, tree: &Tree, name: &str, cases: &mut Vec<Case>) {
    let name = raw["case"].as_str().unwrap_or(name);
    if let (Some(request), Some(answer)) = (raw.get("request"), raw.get("answer")) {
        cases.push(exchange(name, request, answer, tree.get("answer").expect("as above")));
    }
    let parts = raw["exchanges"].as_array().into_iter().flatten();
    let trees = tree.get("exchanges").map(Tree::elements).unwrap_or_default();
    for (raw, tree) in parts.zip(trees) {
        collect(raw, tree, name, cases);
    }
}

fn exchange(
    name: &str,
    request: &serde_json::Value,
    answer: &serde_json::Value,
    tree: &Tree,
) -> Case {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let headers = &request["headers"];
    let body = request.get("body").map(ToString::to_string);
    let form = tree.get("body").filter(|body| body.text() != Some("<gzip>")).map(Form::of);
    let mut case = Case {
        name: name.to_owned(),
        method: text(&request["method"]).unwrap_or_default(),
        path: text(&request["path"]).unwrap_or_default(),
        content_type: text(&headers["Content-Type"]),
        accept: text(&headers["Accept"]),
        body: body.or_else(|| text(&request["body_text"])).unwrap_or_default(),
        status: u16::try_from(answer["status"].as_u64().unwrap_or(0)).unwrap_or(0),
        answer_type: text(&answer["headers"]["Content-Type"]),
        allow: text(&answer["headers"]["Allow"]),
        says: text(&answer["body_text"]),
        form,
        ..Case::default()
    };
    let wrapped = case.says.as_ref().and_then(|says| says.split_once('('));
    if case.answer_type.as_deref() == Some("text/javascript")
        && let Some(json) = wrapped.and_then(|(_, rest)| rest.strip_suffix(')'))
    {
        let tree: Tree = serde_json::from_str(json).expect("it is JSON");
        case.form = Some(Form::of(&tree));
        case.says = None;
        case.is_jsonp = true;
    }
    case
}

fn stream(conversation: &serde_json::Value, tree: &Tree) -> Case {
    let mut case = Case { name: "stream".to_owned(), ..Case::default() };
    let parts = tree.get("conversation").map(Tree::elements).unwrap_or_default();
    for part in conversation.as_array().into_iter().flatten() {
        if let Some(send) = part.get("send") {
            let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
            case.method = text(&send["method"]).unwrap_or_default();
            case.path = text(&send["path"]).unwrap_or_default();
            case.content_type = text(&send["headers"]["Content-Type"]);
            case.accept = text(&send["headers"]["Accept"]);
            case.body = send["body"].to_string();
            case.status = 200;
        }
    }
    for part in parts {
        let Some(record) = part.get("receive").and_then(|one| one.get("record")) else { continue };
        let of = record.get("type").and_then(Tree::text).unwrap_or_default();
        let form = Form::of(record);
        match case.records.iter_mut().find(|(known, _)| known == of) {
            Some((_, known)) => {
                let both = Form::together([known.clone(), form]);
                *known = both.expect("two forms make one");
            }
            None => case.records.push((of.to_owned(), form)),
        }
    }
    case
}

impl Case {
    /// As a part of a form file.
    pub(crate) fn write(&self, text: &mut String) {
        let _ = writeln!(text, "\ncase {}", self.name);
        let _ = writeln!(text, "ask {} {}", self.method, self.path);
        let optional = [
            ("content", &self.content_type),
            ("accept", &self.accept),
            ("body", &Some(self.body.clone()).filter(|body| !body.is_empty())),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                let _ = writeln!(text, "{name} {value}");
            }
        }
        let _ = writeln!(text, "answer {}", self.status);
        let says = self.says.as_ref().map(|says| serde_json::json!(says).to_string());
        for (name, value) in [("type", &self.answer_type), ("allow", &self.allow), ("says", &says)]
        {
            if let Some(value) = value {
                let _ = writeln!(text, "{name} {value}");
            }
        }
        if self.is_jsonp {
            text.push_str("jsonp yes\n");
        }
        if let Some(form) = &self.form {
            form.write(text);
        }
        for (of, form) in &self.records {
            let _ = writeln!(text, "record {of}");
            form.write(text);
        }
    }

    /// All cases of a form file.
    pub(crate) fn read_all(text: &str) -> Vec<Self> {
        let mut cases: Vec<Self> = Vec::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let mut form = Vec::new();
            form.extend(line.strip_prefix("| "));
            while !form.is_empty()
                && let Some(more) = lines.peek().and_then(|line| line.strip_prefix("| "))
            {
                form.push(more);
                lines.next();
            }
            if let Some(name) = line.strip_prefix("case ") {
                cases.push(Self { name: name.to_owned(), ..Self::default() });
            }
            let Some(case) = cases.last_mut() else { continue };
            if form.is_empty() {
                case.take(line);
            } else if let Some((_, empty)) = case.records.last_mut() {
                *empty = Form::read(&form);
            } else {
                case.form = Some(Form::read(&form));
            }
        }
        cases
    }

    fn take(&mut self, line: &str) {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        let text = Some(value.to_owned());
        match name {
            "ask" => {
                let (method, path) = value.split_once(' ').expect("a method and a path");
                (self.method, self.path) = (method.to_owned(), path.to_owned());
            }
            "content" => self.content_type = text,
            "accept" => self.accept = text,
            "body" => value.clone_into(&mut self.body),
            "answer" => self.status = value.parse().expect("a status"),
            "type" => self.answer_type = text,
            "allow" => self.allow = text,
            "says" => self.says = serde_json::from_str(value).expect("quoted text"),
            "jsonp" => self.is_jsonp = true,
            "record" => self.records.push((value.to_owned(), Form::read(&[]))),
            _ => {}
        }
    }
}
