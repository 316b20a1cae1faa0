import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.mesos.MesosSchedulerDriver;
import org.apache.mesos.Protos;
import org.apache.mesos.Protos.TaskState;
import org.apache.mesos.Protos.TaskStatus;
import org.apache.mesos.Scheduler;
import org.apache.mesos.SchedulerDriver;
import org.apache.mesos.state.State;
import org.apache.mesos.state.Variable;
import org.apache.mesos.state.ZooKeeperState;

/**
 * Runs jobs, each once, and those that come after others each time one of these has finished: java JobScheduler MASTER SERVERS PATH. It makes
 * the calls that Chronos 3.0.2 makes, in its order and on as many threads: everything it knows is in the state of libmesos, which it reads again
 * and again and writes in callbacks; the driver acknowledges for it, and is made anew each time it leads.
 *
 * A line tells it what to do: `job NAME PARENT COMMAND`, with `-` for no parent, `kill NAME`, `reconcile`, `lead`, `lose` for what it does when it
 * leads no longer, `quit` for good. It prints a line for each callback ("<-"), for what it does ("->"), for each job that it has read or written,
 * and for what must not be ("WRONG").
 */
public class JobScheduler implements Scheduler {
    private static final String FRAMEWORK = "frameworkId";
    private static final int LOOK_MS = 100;
    private static final int LOOKS = 2 * LOOK_MS;
    private static final Set<TaskState> LIVE =
        new HashSet<>(Arrays.asList(TaskState.TASK_STAGING, TaskState.TASK_STARTING, TaskState.TASK_RUNNING));

    private final String master;
    private final Jobs jobs;
    private final ExecutorService leader = thread("leader");
    private final ExecutorService elsewhere = thread("elsewhere");
    private final ExecutorService looper = thread("loop");
    private volatile Thread loopThread;
    private volatile MesosSchedulerDriver driver;
    private volatile Future<?> looping;
    private volatile boolean isDoubtful;

    JobScheduler(String master, State state) {
        this.master = master;
        this.jobs = new Jobs(state);
    }

    static ExecutorService thread(String name) {
        return Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
    }

    static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    /** Does something; what goes wrong must be seen. */
    static <T> T doing(String what, Callable<T> act) {
        try {
            return act.call();
        } catch (Exception | Error wrong) {
            say("WRONG " + what + ": " + wrong);
            throw new IllegalStateException(what, wrong);
        }
    }

    // What the library calls, and what is done on its thread.

    public void registered(SchedulerDriver driver, Protos.FrameworkID id, Protos.MasterInfo master) {
        doing("registered", () -> {
            Variable before = jobs.state.fetch(FRAMEWORK).get(2_000_000, TimeUnit.MICROSECONDS);
            if (jobs.state.store(before.mutate(id.toByteArray())).get(2_000_000, TimeUnit.MICROSECONDS) == null) {
                throw new IllegalStateException("the id was not stored");
            }
            return null;
        });
        say("<- registered " + id.getValue());
        elsewhere.execute(driver::reviveOffers);
    }

    public void reregistered(SchedulerDriver driver, Protos.MasterInfo master) {
        say("<- reregistered");
        elsewhere.execute(driver::reviveOffers);
    }

    public void resourceOffers(SchedulerDriver driver, List<Protos.Offer> offers) {
        doing("offers", () -> {
            if (isDoubtful) {
                isDoubtful = false;
                reconcile(driver);
            }
            List<Job> due = jobs.due();
            for (Protos.Offer offer : offers) {
                launch(driver, offer, due);
                due = Collections.emptyList();
            }
            return null;
        });
    }

    public void offerRescinded(SchedulerDriver driver, Protos.OfferID offer) {
        say("<- rescinded");
    }

    public void statusUpdate(SchedulerDriver driver, TaskStatus status) {
        say("<- update " + status.getTaskId().getValue() + " " + status.getState() + (status.hasUuid() ? " uuid" : " none"));
        doing("update", () -> {
            String name = status.getTaskId().getValue().split("@")[0];
            boolean isGood = status.getState() == TaskState.TASK_FINISHED;
            jobs.change(name, job -> job.told(status));
            for (Job job : isGood ? jobs.all() : Collections.<Job>emptyList()) {
                if (job.parent.equals(name)) {
                    jobs.change(job.name, one -> one.state = "due");
                    driver.reviveOffers();
                }
            }
            return null;
        });
    }

    public void frameworkMessage(SchedulerDriver driver, Protos.ExecutorID executor, Protos.SlaveID slave, byte[] data) {
        say("WRONG a message");
    }

    public void disconnected(SchedulerDriver driver) {
        say("<- disconnected");
    }

    public void slaveLost(SchedulerDriver driver, Protos.SlaveID slave) {
        say("<- slaveLost");
    }

    public void executorLost(SchedulerDriver driver, Protos.ExecutorID executor, Protos.SlaveID slave, int status) {
        say("<- executorLost");
    }

    public void error(SchedulerDriver driver, String message) {
        say("WRONG error " + message);
    }

    private void reconcile(SchedulerDriver driver) throws Exception {
        List<TaskStatus> running = new ArrayList<>();
        for (Job job : jobs.all()) {
            if (job.state.equals("runs")) {
                running.add(TaskStatus.newBuilder().setTaskId(id(job.task)).setState(TaskState.TASK_RUNNING).build());
            }
        }
        if (!running.isEmpty()) {
            say("-> reconcile " + running.size() + " " + driver.reconcileTasks(running));
        }
    }

    /** The offer goes first and what is known of the jobs after it. */
    private void launch(SchedulerDriver driver, Protos.Offer offer, List<Job> due) throws Exception {
        if (due.isEmpty()) {
            driver.declineOffer(offer.getId());
            return;
        }
        Map<String, Protos.TaskInfo> tasks = new HashMap<>();
        for (Job job : due) {
            tasks.put(job.name, task(job, offer));
        }
        driver.launchTasks(Collections.singletonList(offer.getId()), tasks.values());
        for (Map.Entry<String, Protos.TaskInfo> task : tasks.entrySet()) {
            jobs.change(task.getKey(), job -> job.launched(task.getValue().getTaskId().getValue()));
        }
    }

    // What others are told to do.

    /** The id is asked for on one thread and waited for on another; who has none in time does not lead. */
    private void lead() throws Exception {
        Future<Variable> asked = jobs.state.fetch(FRAMEWORK);
        byte[] stored;
        try {
            stored = elsewhere.submit(() -> asked.get(2_000_000, TimeUnit.MICROSECONDS)).get().value();
        } catch (ExecutionException e) {
            say("-> lead in vain: " + (e.getCause() instanceof TimeoutException ? "TimeoutException" : e.getCause()));
            return;
        }
        Protos.FrameworkInfo.Builder info = Protos.FrameworkInfo.newBuilder().setUser("").setName("job-scheduler").setCheckpoint(true)
            .setFailoverTimeout(604800).setRole("*").setHostname("127.0.0.1");
        if (stored.length > 0) {
            info.setId(Protos.FrameworkID.parseFrom(stored));
        }
        driver = new MesosSchedulerDriver(this, info.build(), master);
        say("-> start " + driver.start());
        looping = looper.submit(this::loop);
    }

    /** Reads all that there is, twice, whenever there is news, until it is interrupted. */
    private void loop() {
        loopThread = Thread.currentThread();
        Set<String> before = Collections.emptySet();
        try {
            while (true) {
                doing("read", jobs::all);
                Set<String> names = new TreeSet<>();
                for (Job job : doing("read again", jobs::all)) {
                    names.add(job.name);
                    if (!before.contains(job.name)) {
                        say("found " + job);
                    }
                }
                for (String name : before) {
                    if (!names.contains(name)) {
                        say("gone " + name);
                    }
                }
                before = names;
                System.gc();
                jobs.await();
            }
        } catch (InterruptedException e) {
            say("-> the loop ends");
        } catch (Throwable wrong) {
            say("WRONG loop: " + wrong);
        }
    }

    /** What the end of a leadership is when nobody answers: the loop that is interrupted is waiting for an answer. */
    private void lose() throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        // A loop that is answered is elsewhere between two looks.
        for (int looks = 0; looks < LOOKS; looks = jobs.isAwaited(loopThread) ? looks + 1 : 0) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("the loop does not wait");
            }
            Thread.sleep(2);
        }
        say("-> stop " + driver.stop(true));
        looping.cancel(true);
        say("-> lost");
    }

    private void kill(String name) throws Exception {
        String task = jobs.get(name).task;
        say("-> kill " + task + " " + driver.killTask(id(task)));
    }

    private void add(String name, String parent, String command) throws Exception {
        jobs.change(name, job -> job.ordered(parent, command));
        jobs.wake();
        driver.reviveOffers();
    }

    private Object obey(String line) throws Exception {
        String[] words = line.split(" ", 4);
        if (words[0].equals("job")) {
            add(words[1], words[2], words[3]);
        } else if (words[0].equals("kill")) {
            kill(words[1]);
        } else if (words[0].equals("lead")) {
            leader.execute(() -> doing("lead", () -> {
                lead();
                return null;
            }));
        } else if (words[0].equals("reconcile")) {
            isDoubtful = true;
            driver.reviveOffers();
        } else if (words[0].equals("lose")) {
            lose();
        } else if (words[0].equals("quit")) {
            say("-> stop " + driver.stop(false));
            System.exit(0);
        } else {
            throw new IllegalArgumentException(line);
        }
        return null;
    }

    // Messages.

    static Protos.TaskID id(String value) {
        return Protos.TaskID.newBuilder().setValue(value).build();
    }

    static Protos.Resource scalar(String name, double value) {
        return Protos.Resource.newBuilder().setName(name).setType(Protos.Value.Type.SCALAR).setRole("*")
            .setScalar(Protos.Value.Scalar.newBuilder().setValue(value)).build();
    }

    static Protos.TaskInfo task(Job job, Protos.Offer offer) {
        String name = job.name + "@" + System.currentTimeMillis();
        Protos.Environment.Variable variable = Protos.Environment.Variable.newBuilder().setName("MESOS_TASK_ID").setValue(name).build();
        Protos.CommandInfo command = Protos.CommandInfo.newBuilder().setValue(job.command)
            .setEnvironment(Protos.Environment.newBuilder().addVariables(variable)).build();
        return Protos.TaskInfo.newBuilder().setName(job.name).setTaskId(id(name)).setSlaveId(offer.getSlaveId()).setCommand(command)
            .addResources(scalar("cpus", 0.1)).addResources(scalar("mem", 32)).addResources(scalar("disk", 1)).build();
    }

    /** A job as it is stored. */
    static final class Job {
        final String name;
        String state = "new";
        String parent = "-";
        String task = "-";
        String command = "";
        int launches;
        int successes;
        int failures;

        Job(String name, byte[] stored) {
            this.name = name;
            if (stored.length > 0) {
                String[] words = new String(stored, StandardCharsets.UTF_8).split(" ", 7);
                state = words[0];
                parent = words[1];
                task = words[2];
                launches = Integer.parseInt(words[3]);
                successes = Integer.parseInt(words[4]);
                failures = Integer.parseInt(words[5]);
                command = words[6];
            }
        }

        byte[] stored() {
            return String.join(" ", state, parent, task, "" + launches, "" + successes, "" + failures, command).getBytes(StandardCharsets.UTF_8);
        }

        public String toString() {
            return name + " " + state + " launches " + launches + " successes " + successes + " failures " + failures;
        }

        void ordered(String parent, String command) {
            this.parent = parent;
            this.command = command;
            state = parent.equals("-") ? "due" : "waits";
        }

        void launched(String task) {
            this.task = task;
            state = "starts";
            launches++;
        }

        /** As often as it is told of an end it counts it. */
        void told(TaskStatus status) {
            if (LIVE.contains(status.getState())) {
                state = "runs";
            } else if (status.getState() == TaskState.TASK_FINISHED) {
                state = "over";
                successes++;
            } else {
                state = "over";
                failures++;
            }
        }
    }

    interface Change {
        void of(Job job) throws Exception;
    }

    /** The jobs in the state, which nobody else changes. */
    static final class Jobs {
        final State state;
        private final Object news = new Object();

        Jobs(State state) {
            this.state = state;
        }

        Job get(String name) throws Exception {
            return new Job(name, state.fetch("J_" + name).get().value());
        }

        /** All of them. Whoever is interrupted while he waits for an answer gets it all the same. */
        List<Job> all() throws Exception {
            List<Job> found = new ArrayList<>();
            for (Iterator<String> names = state.names().get(); names.hasNext();) {
                String name = names.next();
                byte[] stored = name.startsWith("J_") ? answer(state.fetch(name)).value() : new byte[0];
                if (stored.length > 0) {
                    found.add(new Job(name.substring(2), stored));
                }
            }
            return found;
        }

        List<Job> due() throws Exception {
            List<Job> due = all();
            due.removeIf(job -> !job.state.equals("due"));
            return due;
        }

        /** An answer is had again as often as one asks for it. */
        static <T> T answer(Future<T> asked) throws Exception {
            T first = asked.get();
            return first == null ? null : asked.get();
        }

        /** A job that is not there stays away, except when it is ordered. */
        synchronized void change(String name, Change change) throws Exception {
            Variable before = state.fetch("J_" + name).get();
            Job job = new Job(name, before.value());
            change.of(job);
            if (job.command.isEmpty()) {
                return;
            }
            Variable after = answer(state.store(before.mutate(job.stored())));
            if (after == null || !Arrays.equals(after.value(), job.stored())) {
                throw new IllegalStateException("what was stored of " + job + " is " + after);
            }
            say("stored " + job);
        }

        void wake() {
            synchronized (news) {
                news.notifyAll();
            }
        }

        /** Waits for news, not for long: what others remove is found by looking. */
        void await() throws InterruptedException {
            synchronized (news) {
                news.wait(LOOK_MS);
            }
        }

        /** Whether a thread is inside the library, in a Future's get. */
        boolean isAwaited(Thread thread) {
            StackTraceElement[] stack = thread.getStackTrace();
            return stack.length > 1 && stack[0].isNativeMethod() && stack[0].getClassName().startsWith("org.apache.mesos.state")
                && (stack[0].getMethodName() + stack[1].getMethodName()).contains("get");
        }
    }

    public static void main(String[] arguments) throws Exception {
        State state = new ZooKeeperState(arguments[1], 10000, TimeUnit.MILLISECONDS, arguments[2], null, null);
        JobScheduler scheduler = new JobScheduler(arguments[0], state);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            if (scheduler.driver != null) {
                scheduler.driver.stop(true);
            }
        }));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String order = line;
            doing("order", () -> scheduler.obey(order));
        }
    }
}
