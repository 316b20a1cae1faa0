// A framework on npm's mesos-framework. Reads orders, one JSON object a line, from its standard input and writes one JSON object a
// line for what it is told, as pymesos_framework.py does.
//
// Arguments: host, port, framework name, and {NAME: {command, instances, ports, restart}}: the tasks that it keeps running.
// What it knows is kept in the ZooKeeper that the environment names, if it names one.
// Orders: {"kill": ID}  {"reconcile": [ID, ...]}  {"stop": false}
"use strict";

const readline = require("readline");
const os = require("os");
const {Scheduler, Mesos} = require("mesos-framework");

const types = Mesos.getMesos();
const [host, port, frameworkName, wanted] = process.argv.slice(2);
const image = process.env.IMAGE;

function say(what, more) {
    process.stdout.write(JSON.stringify({what, ...more}) + "\n");
}

const tasks = {};
const restarted = [];
for (const [name, task] of Object.entries(JSON.parse(wanted))) {
    tasks[name] = {
        priority: 1,
        instances: task.instances || 1,
        commandInfo: new types.CommandInfo(null, null, true, task.command, null, null),
        containerInfo: new types.ContainerInfo(
            types.ContainerInfo.Type.DOCKER, null, null,
            new types.ContainerInfo.DockerInfo(image, types.ContainerInfo.DockerInfo.Network.BRIDGE)
        ),
        resources: {cpus: 0.1, mem: 32, ports: task.ports || 0, disk: 0},
    };
    restarted.push(...(task.restart || []));
}

// The library writes to its standard output, which is ours: its log goes nowhere.
const scheduler = new Scheduler({
    masterUrl: host, port, frameworkName, tasks, frameworkFailoverTimeout: 30, restartStates: restarted.length ? restarted : ["NONE"],
    logging: {path: os.tmpdir(), fileName: "longshore-mesos-framework.log", level: "emerg"},
    exponentialBackoffMaximum: 2,
    useZk: Boolean(process.env.ZOOKEEPER), zkUrl: process.env.ZOOKEEPER,
});
const agents = {};
let stopping = false;

scheduler.on("ready", () => scheduler.subscribe());
scheduler.on("subscribed", (told) => say("registered", {id: told.frameworkId}));
scheduler.on("update", (update) => {
    const status = update.status;
    agents[status.task_id.value] = status.agent_id.value;
    say("update", {
        id: status.task_id.value, state: status.state, message: status.message || null, reason: status.reason || null,
        agent: status.agent_id.value, uuid: status.uuid || null,
    });
});
scheduler.on("offers", (offers) => say("offers", {count: offers.offers.length}));
scheduler.on("rescind", () => say("rescinded"));
scheduler.on("failure", (failure) => say("failure", {failure}));
scheduler.on("error", (error) => {
    // After TEARDOWN the stream ends, which the library takes for an error.
    if (!stopping) {
        say("error", {message: error.message || String(error), stack: error.stack});
    }
});

readline.createInterface({input: process.stdin}).on("line", (line) => {
    const order = JSON.parse(line);
    if ("kill" in order) {
        scheduler.kill(order.kill, agents[order.kill]);
    } else if ("reconcile" in order) {
        order.reconcile.forEach((id) => scheduler.reconcile(id, agents[id] || "unknown"));
    } else if ("stop" in order) {
        stopping = true;
        scheduler.once("sent_teardown", () => {
            say("stopped");
            process.exit(0);
        });
        scheduler.teardown();
    }
});
