//! Stacks, call by call.

use super::*;

struct World {
    stacks: Stacks,
    fleets: Fleets,
    now: Timestamp,
}

fn fleet(size: u32) -> Fleet {
    Fleet { size, instance_type: "t3.medium".into() }
}

impl World {
    fn new() -> Self {
        let realm = Realm::new("us-east-1", "000000000000");
        let now = Timestamp::from_millis(1_000);
        let fleets = Fleets::from([("web".into(), fleet(3))]);
        Self { stacks: Stacks::new(realm, now, 1), fleets, now }
    }

    fn call(&mut self, request: Request) -> (Result<Response, Fault>, Option<(Str, u32)>) {
        let mut out = Vec::new();
        let input = Input::Call(CallId(1), request, self.fleets.clone());
        self.stacks.step(self.now, input, &mut out);
        let Output::Reply(CallId(1), answer) = out.remove(0) else { panic!("no reply") };
        let resize = out.pop().map(|output| match output {
            Output::Resize(Resize { cluster, size, .. }) => (cluster, size),
            Output::Reply(..) => panic!("a second reply"),
        });
        assert!(out.is_empty());
        (answer, resize)
    }

    fn resized(&mut self, outcome: Result<(), &str>) {
        let outcome = outcome.map_err(str::to_owned);
        self.stacks.step(self.now, Input::Resized("web".into(), outcome), &mut Vec::new());
    }

    fn update(&mut self, pairs: &[(&str, &str)]) -> (Result<Response, Fault>, Option<(Str, u32)>) {
        let value = |value: &str| Some(value).filter(|value| !value.is_empty()).map(Str::from);
        let parameters = pairs.iter().map(|(key, text)| ((*key).into(), value(text))).collect();
        self.call(Request::UpdateStack(Update { stack: STACK.into(), parameters }))
    }

    fn why(&mut self, pairs: &[(&str, &str)]) -> String {
        let (answer, resize) = self.update(pairs);
        assert_eq!(resize, None);
        answer.expect_err("it is refused").message
    }

    fn stack(&mut self) -> Option<Stack> {
        match self.call(Request::DescribeStacks(Some(STACK.into()))).0 {
            Ok(Response::Stacks(stacks)) => stacks.into_iter().next(),
            _ => None,
        }
    }

    fn status(&mut self) -> Option<Status> {
        self.stack().map(|stack| stack.status)
    }

    fn latest(&mut self) -> Status {
        match self.call(Request::DescribeStackEvents(STACK.into())).0 {
            Ok(Response::Events(events)) => events[0].resource.status,
            other => panic!("{other:?}"),
        }
    }
}

const STACK: &str = "amazon-ecs-cli-setup-web";

#[test]
fn a_stack_has_the_size_of_its_fleet() {
    let mut world = World::new();
    let size = |world: &mut World| {
        let stack = world.stack().expect("it is there");
        let found = stack.parameters.into_iter().find(|one| &*one.key == "AsgMaxSize");
        found.map(|one| one.value)
    };
    assert_eq!(size(&mut world).as_deref(), Some("3"));
    world.fleets.insert("web".into(), fleet(5));
    assert_eq!(size(&mut world).as_deref(), Some("5"));
}

#[test]
fn an_update_is_in_progress_until_the_fleet_has_followed() {
    let mut world = World::new();
    let (answer, resize) = world.update(&[("EcsCluster", ""), ("AsgMaxSize", "4")]);
    assert!(matches!(answer, Ok(Response::Updating(id)) if id.contains(STACK)));
    assert_eq!(resize, Some(("web".into(), 4)));
    assert_eq!(world.status(), Some(Status::UpdateInProgress));
    let why = world.why(&[("AsgMaxSize", "5")]);
    assert!(why.contains("UPDATE_IN_PROGRESS"), "{why}");
    world.fleets.insert("web".into(), fleet(4));
    world.resized(Ok(()));
    assert_eq!(world.status(), Some(Status::UpdateComplete));
    assert_eq!(world.latest(), Status::UpdateComplete);
    assert!(world.why(&[("AsgMaxSize", "4")]).contains("No updates"));
}

#[test]
fn what_failed_is_the_latest_event() {
    let mut world = World::new();
    let (answer, _) = world.update(&[("AsgMaxSize", "4")]);
    assert!(answer.is_ok());
    world.resized(Err("no space"));
    let stack = world.stack().expect("it is there");
    assert_eq!((stack.status, stack.reason.as_deref()), (Status::UpdateFailed, Some("no space")));
    assert_eq!(world.latest(), Status::UpdateFailed);
    assert_eq!(world.update(&[("AsgMaxSize", "2")]).1, Some(("web".into(), 2)));
}

#[test]
fn only_the_size_can_change_and_only_to_a_number() {
    let mut world = World::new();
    for (pairs, word) in [
        (("Size", "4"), "[Size] do not exist"),
        (("EcsCluster", "other"), "leave it at web"),
        (("AsgMaxSize", "-1"), "from 0 to 5000, not -1"),
        (("AsgMaxSize", "5001"), "from 0 to 5000"),
        (("AsgMaxSize", "many"), "from 0 to 5000"),
        (("EcsCluster", "web"), "No updates"),
    ] {
        let why = world.why(&[pairs]);
        assert!(why.contains(word), "{why}");
    }
}

#[test]
fn a_stack_that_has_ended_is_found_by_its_id_only_until_instances_come_again() {
    let mut world = World::new();
    let id = world.stack().expect("it is there").id;
    assert_eq!(world.call(Request::DeleteStack(STACK.into())).1, Some(("web".into(), 0)));
    assert_eq!(world.status(), Some(Status::DeleteInProgress));
    world.fleets.insert("web".into(), fleet(0));
    world.resized(Ok(()));
    let (gone, _) = world.call(Request::DescribeStacks(Some(STACK.into())));
    assert_eq!(gone, Err(does_not_exist(STACK)));
    let (ended, _) = world.call(Request::DescribeStacks(Some(id.clone())));
    assert!(matches!(ended, Ok(Response::Stacks(all)) if all[0].status == Status::DeleteComplete));
    let again = world.call(Request::DeleteStack(STACK.into()));
    assert_eq!(again, (Ok(Response::Deleting), None));
    world.fleets.insert("web".into(), fleet(1));
    let new = world.stack().expect("it is there again");
    assert!(new.status == Status::CreateComplete && new.id != id);
}

#[test]
fn the_stack_of_blox_tells_where_its_api_is_and_does_not_change() {
    let mut world = World::new();
    for logical in ["RestApi", "ApiResource"] {
        let asked = Request::DescribeStackResource("Blox".into(), logical.into());
        let (answer, _) = world.call(asked);
        assert!(matches!(answer, Ok(Response::Resource(one)) if one.logical == logical));
    }
    let (answer, _) = world.call(Request::DescribeStackResource("Blox".into(), "X".into()));
    assert!(answer.expect_err("refused").message.contains("RestApi and ApiResource"));
    let (answer, resize) = world.call(Request::DeleteStack("Blox".into()));
    assert!(answer.is_err() && resize.is_none());
}

#[test]
fn events_are_bounded_and_the_latest_are_kept() {
    let mut world = World::new();
    for turn in 0..100 {
        let size = if turn % 2 == 0 { 4 } else { 3 };
        assert!(world.update(&[("AsgMaxSize", &size.to_string())]).0.is_ok());
        world.fleets.insert("web".into(), fleet(size));
        world.resized(Ok(()));
    }
    let (answer, _) = world.call(Request::DescribeStackEvents(STACK.into()));
    assert!(matches!(answer, Ok(Response::Events(all)) if all.len() == 100));
    assert_eq!(world.latest(), Status::UpdateComplete);
}

fn create(name: &str, pairs: &[(&str, &str)]) -> Request {
    let parameters = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    Request::CreateStack(Create { name: name.into(), parameters })
}

#[test]
fn a_new_stack_gets_its_instances_and_shows_what_has_no_effect() {
    let mut world = World::new();
    let pairs = [
        ("EcsCluster", "shop"),
        ("EcsInstanceType", "t2.micro"),
        ("AsgMaxSize", "3"),
        ("EcsAmiId", "ami-1"),
        ("UserData", "x"),
    ];
    let name = "amazon-ecs-cli-setup-shop";
    let (answer, resize) = world.call(create(name, &pairs));
    assert!(matches!(answer, Ok(Response::Creating(id)) if id.contains(name)));
    assert_eq!(resize, Some(("shop".into(), 3)));
    let (answer, _) = world.call(Request::DescribeStackEvents(name.into()));
    let Ok(Response::Events(events)) = answer else { panic!("no events") };
    let told = events[0].reason.clone().expect("it says what it comes to");
    assert_eq!(told, "3 instances of t2.micro on this machine; EcsAmiId, UserData have no effect");
    let fleet = Fleet { size: 3, instance_type: "t2.micro".into() };
    world.fleets.insert("shop".into(), fleet);
    world.stacks.step(world.now, Input::Resized("shop".into(), Ok(())), &mut Vec::new());
    let (answer, _) = world.call(Request::DescribeStacks(Some(name.into())));
    let Ok(Response::Stacks(stacks)) = answer else { panic!("no stack") };
    assert_eq!(stacks[0].status, Status::CreateComplete);
    let shown: Vec<_> =
        stacks[0].parameters.iter().map(|one| (&*one.key, one.value.as_str())).collect();
    assert_eq!(shown, pairs);
}

#[test]
fn a_stack_that_could_not_come_says_why_and_can_only_go() {
    let mut world = World::new();
    let name = "amazon-ecs-cli-setup-shop";
    assert!(world.call(create(name, &[])).0.is_ok());
    let failed = Input::Resized("shop".into(), Err("Cluster not found.".to_owned()));
    world.stacks.step(world.now, failed, &mut Vec::new());
    let (answer, _) = world.call(Request::DescribeStacks(Some(name.into())));
    let Ok(Response::Stacks(stacks)) = answer else { panic!("no stack") };
    let (status, reason) = (stacks[0].status, stacks[0].reason.as_deref());
    assert_eq!((status, reason), (Status::CreateFailed, Some("Cluster not found.")));
    let update =
        Update { stack: name.into(), parameters: vec![("AsgMaxSize".into(), Some("2".into()))] };
    let (answer, resize) = world.call(Request::UpdateStack(update));
    assert!(answer.expect_err("refused").message.contains("CREATE_FAILED") && resize.is_none());
    assert_eq!(world.call(Request::DeleteStack(name.into())).1, Some(("shop".into(), 0)));
}

/// The same cluster by its ARN would be a second stack over one fleet.
const OF_ARN: &str = "amazon-ecs-cli-setup-arn:aws:ecs:us-east-1:000000000000:cluster/web";

#[test]
fn a_new_stack_is_one_of_ecs_cli_that_is_not_there_yet() {
    let mut world = World::new();
    let shop = "amazon-ecs-cli-setup-shop";
    for (name, pair, code, word) in [
        (STACK, ("AsgMaxSize", "1"), "AlreadyExistsException", "already exists"),
        ("Blox", ("AsgMaxSize", "1"), "AlreadyExistsException", "already exists"),
        ("mine", ("AsgMaxSize", "1"), "ValidationError", "amazon-ecs-cli-setup-"),
        (OF_ARN, ("AsgMaxSize", "1"), "ValidationError", "no ARN"),
        ("amazon-ecs-cli-setup-a b", ("AsgMaxSize", "1"), "ValidationError", "letters"),
        (shop, ("AsgMaxSize", "+4"), "ValidationError", "from 0 to 5000"),
        (shop, ("AsgMaxSize", "03"), "ValidationError", "from 0 to 5000"),
        (shop, ("AsgMaxSize", "x"), "ValidationError", "from 0 to 5000"),
        (shop, ("EcsCluster", "web"), "ValidationError", "must be shop"),
        (shop, ("EcsInstanceType", "z9.big"), "ValidationError", "families are"),
        (shop, ("IsFargate", "true"), "ValidationError", "IsFargate"),
        (shop, ("Colour", "red"), "ValidationError", "[Colour] do not exist"),
    ] {
        let (answer, resize) = world.call(create(name, &[pair]));
        let fault = answer.expect_err("it is refused");
        assert_eq!((fault.code, resize), (code, None));
        assert!(fault.message.contains(word), "{}", fault.message);
    }
}
