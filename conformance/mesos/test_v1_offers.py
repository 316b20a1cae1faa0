"""What is offered, to whom and when: [O1]-[O18], [C30], [C31]."""

import pytest

from harness import ecs as harness_ecs
from harness.ecs import SLEEPER, machine_of, unique, zone_of
from harness.mesos import resource
from harness.server import REGION
from harness.wait import holds, until

OFFERED_PORTS = {80, 443, *range(1024, 32768)}
MULTI_ROLE = [{"type": "MULTI_ROLE"}]
REFINED = [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}]


def zone(offer):
    return offer["domain"]["fault_domain"]["zone"]["name"]


@pytest.fixture
def framework(schedulers):
    made = schedulers()
    made.subscribe()
    return made


def agents(offers):
    return {offer["agent_id"]["value"] for offer in offers}


def test_every_instance_is_offered_once(framework, instances):
    offers = framework.wait_offers(3)
    assert len(framework.offers()) == 3  # [O2]
    assert sorted(map(zone, offers)) == [zone_of(i) for i in instances]
    assert len({o["id"]["value"] for o in offers}) == 3
    assert len({o["hostname"] for o in offers}) == 3
    assert {o["framework_id"]["value"] for o in offers} == {framework.framework_id}


def test_an_offer_holds_what_is_free_on_the_instance(framework, instances):
    by_zone = {zone_of(i): i for i in instances}
    ports = []
    for offer in framework.wait_offers(3):
        instance = by_zone[zone(offer)]
        assert resource(offer, "cpus") == harness_ecs.resource(instance, "CPU") / 1024
        assert resource(offer, "mem") == harness_ecs.resource(instance, "MEMORY")  # [O19]
        assert resource(offer, "disk") == 10000
        taken = harness_ecs.resource(instance, "PORTS")
        ports.append(resource(offer, "ports") | taken)
        assert ports[-1] - taken <= OFFERED_PORTS
        pairs = next(r for r in offer["resources"] if r["name"] == "ports")["ranges"]["range"]
        # Those on which only root may listen are the last.
        assert pairs == sorted(pairs, key=lambda p: (p["begin"] < 1024, p["begin"]))
        assert len(pairs) == len({p["begin"] for p in pairs}) < 10
    assert set().union(*ports) >= OFFERED_PORTS
    # Instances of one machine are offered different ports; simulated ones are on machines of their own.
    is_one_machine = any(a["name"] == "longshore.machine" for a in instances[0]["attributes"])
    taken = set().union(*(harness_ecs.resource(one, "PORTS") for one in instances))
    shared = set.intersection(*ports) - taken
    assert not shared if is_one_machine else shared == OFFERED_PORTS - taken


def test_an_offer_says_where_its_agent_is(framework):
    for offer in framework.wait_offers(3):
        assert offer["domain"]["fault_domain"]["region"]["name"] == REGION  # [O1], [O28]
        url = offer["url"]
        assert url["scheme"] == "http" and url["path"].startswith("/slave(")
        assert url["address"]["ip"] and url["address"]["port"] > 0
        assert offer["hostname"] == url["address"]["hostname"]


def test_attributes_are_text_and_come_from_ecs(framework, instances):
    by_zone = {zone_of(i): i for i in instances}
    for offer in framework.wait_offers(3):
        assert {a["type"] for a in offer["attributes"]} == {"TEXT"}  # [O17]
        found = {a["name"]: a["text"]["value"] for a in offer["attributes"]}
        for attribute in by_zone[zone(offer)]["attributes"]:
            if attribute.get("value"):
                assert found[attribute["name"]] == attribute["value"]


def test_without_multi_role_resources_carry_the_role_and_no_allocation(framework):
    offer = framework.wait_offer()
    assert "allocation_info" not in offer  # [O3]
    for entry in offer["resources"]:
        assert "allocation_info" not in entry and entry["role"] == "*"  # [O4]
        assert "reservations" not in entry


def test_with_multi_role_offer_and_resources_name_the_role(schedulers):
    framework = schedulers(roles=["batch"], capabilities=MULTI_ROLE)
    framework.subscribe()
    offer = framework.wait_offer()
    assert offer["allocation_info"] == {"role": "batch"}  # [O3]
    for entry in offer["resources"]:
        assert entry["allocation_info"] == {"role": "batch"} and entry["role"] == "*"


def test_with_reservation_refinement_unreserved_resources_carry_no_role(schedulers):
    framework = schedulers(roles=["batch"], capabilities=REFINED)
    framework.subscribe()
    for entry in framework.wait_offer()["resources"]:
        assert "role" not in entry and "reservations" not in entry  # [O4]
        assert entry["allocation_info"] == {"role": "batch"}


def test_multi_role_without_roles_gets_no_offers(schedulers):
    framework = schedulers(roles=[], capabilities=MULTI_ROLE)
    framework.subscribe()
    framework.wait_type("HEARTBEAT")
    holds(lambda: not framework.offers(), "no offers", 1.5)  # [O12]


def test_what_ecs_uses_is_not_offered(schedulers, ecs, instances):
    definition = ecs.register(
        harness_ecs.shell(
            SLEEPER, cpu=512, memory=128, portMappings=[{"containerPort": 80, "hostPort": 18441}]
        )
    )["taskDefinitionArn"]
    ecs.start(definition, [instances[0]["containerInstanceArn"]])
    framework = schedulers()
    framework.subscribe()
    total = harness_ecs.resource(instances[0], "CPU") / 1024
    # A machine has its ports once.
    shares = machine_of(instances[0]) == machine_of(instances[1])

    def settled():
        # What was offered before the master read of the task is rescinded, and offered anew.
        offers = {zone(o): o for o in framework.wait_offers(3)}
        used, idle = (offers[zone_of(instances[n])] for n in (0, 1))
        is_read = resource(used, "cpus") == total - 0.5
        is_read &= (18441 in resource(idle, "ports")) != shares
        return (used, idle) if is_read else None

    used, idle = until(settled, "what is left is offered", 10)
    assert resource(used, "mem") == harness_ecs.resource(instances[0], "MEMORY") - 128
    assert 18441 not in resource(used, "ports")
    assert resource(idle, "cpus") == total


def test_a_declined_offer_stays_away_for_five_seconds_by_default(framework):
    offers = framework.wait_offers(3)
    mark = framework.mark()
    framework.decline(offers)  # [O13]
    holds(lambda: not framework.offers(mark), "declined agents are not offered", 4.0)
    framework.wait_offers(3, mark, 8)


def test_a_decline_for_zero_seconds_brings_the_offer_back_at_once(framework):
    offers = framework.wait_offers(3)
    mark = framework.mark()
    framework.decline(offers, refuse_seconds=0)
    back = framework.wait_offers(3, mark, 4)
    assert not {o["id"]["value"] for o in back} & {o["id"]["value"] for o in offers}


@pytest.mark.parametrize("seconds", [-1.0, 1e300])
def test_odd_refuse_seconds_are_taken(framework, seconds):
    framework.decline(framework.wait_offers(3), refuse_seconds=seconds)
    mark = framework.mark()
    holds(lambda: not framework.offers(mark), "declined agents are not offered", 1.0)
    framework.must("REVIVE")
    framework.wait_offers(3, mark, 5)


def test_revive_clears_the_filters(framework):
    framework.decline(framework.wait_offers(3), refuse_seconds=600)
    mark = framework.mark()
    holds(lambda: not framework.offers(mark), "declined agents are not offered", 1.0)
    framework.must("REVIVE")  # [C31]
    framework.wait_offers(3, mark, 5)


def test_suppress_stops_offers_until_revive(framework):
    offers = framework.wait_offers(3)
    framework.must("SUPPRESS")
    mark = framework.mark()
    framework.decline(offers, refuse_seconds=0)
    holds(lambda: not framework.offers(mark), "a suppressed framework gets none", 1.5)  # [C31]
    framework.must("REVIVE")
    framework.wait_offers(3, mark, 5)


def test_suppress_of_one_role_leaves_the_other(schedulers):
    framework = schedulers(roles=["a", "b"], capabilities=MULTI_ROLE)
    framework.subscribe()
    offers = framework.wait_offers(3)
    framework.must("SUPPRESS", roles=["a"])
    mark = framework.mark()
    framework.decline(offers, refuse_seconds=0)
    again = framework.wait_offers(3, mark, 8)
    assert {o["allocation_info"]["role"] for o in again} == {"b"}


def test_a_role_that_was_suppressed_from_the_start_gets_nothing(schedulers):
    framework = schedulers(roles=["a"], capabilities=MULTI_ROLE)
    framework.subscribe(suppressed_roles=["a"])
    framework.wait_type("HEARTBEAT")
    holds(lambda: not framework.offers(), "a suppressed role gets none", 1.5)  # [C4]
    framework.must("REVIVE", roles=["a"])
    framework.wait_offers(3, deadline_s=5)


def test_revive_of_a_foreign_role_is_ignored(framework):
    framework.decline(framework.wait_offers(3), refuse_seconds=600)
    mark = framework.mark()
    framework.must("REVIVE", roles=["elsewhere"])  # [C31]
    framework.must("REVIVE", roles=["bad role"])
    holds(lambda: not framework.offers(mark), "the call had no effect", 1.5)


def test_declining_nothing_or_something_unknown_is_taken(framework):
    offers = framework.wait_offers(3)
    framework.must("DECLINE", offer_ids=[])
    framework.must("DECLINE", offer_ids=[{"value": unique("nothing")}])  # [C30]
    framework.decline(offers, refuse_seconds=600)
    framework.decline(offers)
    assert not [e for e in framework.events if e["type"] == "ERROR"]


def test_two_frameworks_never_hold_the_same_resources(schedulers):
    one, two = schedulers(), schedulers()
    one.subscribe()
    held = one.wait_offers(3)
    two.subscribe()
    holds(lambda: not two.offers(), "everything is held by the other", 1.5)
    one.decline(held, refuse_seconds=600)
    two.wait_offers(3, deadline_s=5)


def test_a_framework_keeps_no_offer_of_another(schedulers):
    one, two = schedulers(), schedulers()
    one.subscribe()
    held = one.wait_offers(3)
    two.subscribe()
    two.decline(held, refuse_seconds=0)  # unknown to this framework, so skipped [C30]
    holds(lambda: not two.offers(), "the offers are still the other's", 1.0)


def test_a_filter_ends_when_the_agent_has_more_than_was_refused(schedulers, ecs, instances):
    arn = instances[0]["containerInstanceArn"]
    task = ecs.start(ecs.define(SLEEPER, cpu=256), [arn])["tasks"][0]
    ecs.wait(task, "RUNNING")
    framework = schedulers()
    framework.subscribe()
    cpus = harness_ecs.resource(instances[0], "CPU") / 1024

    def without_the_task():
        # The master may hear of the task after it has offered the agent: then it offers it once more.
        latest = {zone(offer): offer for offer in framework.offers()}
        mine = latest.get(zone_of(instances[0]))
        return list(latest.values()) if mine and len(latest) == 3 and resource(mine, "cpus") == cpus - 0.25 else None

    framework.decline(until(without_the_task, "what the task leaves is offered"), refuse_seconds=600)
    mark = framework.mark()
    holds(lambda: not framework.offers(mark), "declined agents are not offered", 1.0)
    ecs.stop(task)
    offer = framework.wait_offer(mark, 10)  # [O14]
    assert zone(offer) == zone_of(instances[0])
    assert resource(offer, "cpus") == cpus
    assert agents(framework.offers(mark)) == {offer["agent_id"]["value"]}


def test_offers_of_a_draining_instance_are_rescinded(framework, ecs, instances):
    arn = instances[1]["containerInstanceArn"]

    def update(status):
        ecs.client.update_container_instances_state(
            cluster=ecs.cluster, containerInstances=[arn], status=status
        )

    offer = {zone(o): o for o in framework.wait_offers(3)}[zone_of(instances[1])]
    try:
        update("DRAINING")
        rescinded = framework.wait_type("RESCIND", deadline_s=20)
        assert rescinded["rescind"]["offer_id"] == offer["id"]  # [O7]
        mark = framework.mark()
        framework.must("REVIVE")
        holds(lambda: not framework.offers(mark), "a draining instance is not offered", 1.5)
    finally:
        update("ACTIVE")
    again = framework.wait_offer(mark, 20)
    assert again["agent_id"] == offer["agent_id"] and again["id"] != offer["id"]


def test_agent_ids_outlive_offers_and_frameworks(schedulers):
    first = schedulers()
    first.subscribe()
    before = {zone(o): o["agent_id"]["value"] for o in first.wait_offers(3)}
    first.must("TEARDOWN")
    second = schedulers()
    second.subscribe()
    assert {zone(o): o["agent_id"]["value"] for o in second.wait_offers(3)} == before
