import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.mesos.MesosSchedulerDriver;
import org.apache.mesos.Protos;
import org.apache.mesos.Scheduler;
import org.apache.mesos.SchedulerDriver;

/**
 * What the contract of a SchedulerDriver promises, one scenario a run: java Harness SCENARIO MASTER. It is compiled against the jar of each
 * generation of Mesos, so it uses what all of them have, and the rest by reflection. Prints a line for each thing that is so, and exits with
 * 1 for the first that is not.
 */
public class Harness implements Scheduler {
    interface Act {
        void on(SchedulerDriver driver, String what, Object value);
    }

    private final Act act;

    Harness(Act act) {
        this.act = act;
    }

    public void registered(SchedulerDriver driver, Protos.FrameworkID id, Protos.MasterInfo master) {
        act.on(driver, "registered", id);
    }

    public void reregistered(SchedulerDriver driver, Protos.MasterInfo master) {
        act.on(driver, "reregistered", master);
    }

    public void resourceOffers(SchedulerDriver driver, List<Protos.Offer> offers) {
        act.on(driver, "offers", offers);
    }

    public void offerRescinded(SchedulerDriver driver, Protos.OfferID offer) {
        act.on(driver, "rescinded", offer);
    }

    public void statusUpdate(SchedulerDriver driver, Protos.TaskStatus status) {
        act.on(driver, "update", status);
    }

    public void frameworkMessage(SchedulerDriver driver, Protos.ExecutorID executor, Protos.SlaveID slave, byte[] data) {
        act.on(driver, "message", data);
    }

    public void disconnected(SchedulerDriver driver) {
        act.on(driver, "disconnected", null);
    }

    public void slaveLost(SchedulerDriver driver, Protos.SlaveID slave) {
        act.on(driver, "slaveLost", slave);
    }

    public void executorLost(SchedulerDriver driver, Protos.ExecutorID executor, Protos.SlaveID slave, int status) {
        act.on(driver, "executorLost", executor);
    }

    public void error(SchedulerDriver driver, String message) {
        act.on(driver, "error", message);
    }

    static Protos.FrameworkInfo framework(String name) {
        return Protos.FrameworkInfo.newBuilder().setUser("").setName(name).build();
    }

    static MesosSchedulerDriver driver(String master, Act act) {
        return new MesosSchedulerDriver(new Harness(act), framework("harness"), master);
    }

    static void is(String what, Object expected, Object found) {
        if (!expected.equals(found)) {
            System.out.println("WRONG " + what + ": " + found + ", not " + expected);
            System.out.flush();
            Runtime.getRuntime().halt(1);
        }
        System.out.println("ok " + what + ": " + found);
        System.out.flush();
    }

    static Protos.Resource scalar(String name, double value) {
        return Protos.Resource.newBuilder().setName(name).setType(Protos.Value.Type.SCALAR)
            .setScalar(Protos.Value.Scalar.newBuilder().setValue(value)).build();
    }

    static Protos.TaskInfo task(String id, Protos.Offer offer, String command) {
        return Protos.TaskInfo.newBuilder().setName(id).setTaskId(Protos.TaskID.newBuilder().setValue(id))
            .setSlaveId(offer.getSlaveId()).addResources(scalar("cpus", 0.1)).addResources(scalar("mem", 32))
            .setCommand(Protos.CommandInfo.newBuilder().setValue(command)).build();
    }

    static Protos.TaskID id(String value) {
        return Protos.TaskID.newBuilder().setValue(value).build();
    }

    /** Tasks that end, fail and are killed; stop in a callback; run returns what the driver is. */
    static void tasks(String master) {
        final List<String> said = Collections.synchronizedList(new ArrayList<String>());
        final AtomicInteger over = new AtomicInteger();
        MesosSchedulerDriver driver = driver(master, new Act() {
            boolean launched;

            public void on(SchedulerDriver driver, String what, Object value) {
                if (what.equals("offers")) {
                    for (Object one : (List<?>) value) {
                        Protos.Offer offer = (Protos.Offer) one;
                        if (launched) {
                            driver.declineOffer(offer.getId());
                            continue;
                        }
                        launched = true;
                        Collection<Protos.TaskInfo> tasks =
                            Arrays.asList(task("good", offer, "exit 0"), task("bad", offer, "exit 3"), task("long", offer, "sleep 600"));
                        driver.launchTasks(Collections.singletonList(offer.getId()), tasks);
                    }
                } else if (what.equals("update")) {
                    Protos.TaskStatus status = (Protos.TaskStatus) value;
                    String state = status.getTaskId().getValue() + " " + status.getState();
                    said.add(state);
                    if (state.equals("long TASK_RUNNING")) {
                        driver.killTask(id("long"));
                    }
                    if (state.matches(".*TASK_(FINISHED|FAILED|KILLED)") && over.incrementAndGet() == 3) {
                        is("stop in a callback", Protos.Status.DRIVER_STOPPED, driver.stop());
                        is("join in a callback", Protos.Status.DRIVER_STOPPED, driver.join());
                    }
                } else {
                    said.add(what);
                }
            }
        });
        is("run", Protos.Status.DRIVER_STOPPED, driver.run());
        is("registered first", "registered", said.get(0));
        for (String state : new String[] {"good TASK_FINISHED", "bad TASK_FAILED", "long TASK_RUNNING", "long TASK_KILLED"}) {
            is(state, true, said.contains(state));
        }
    }

    /** What every method returns, whatever the driver is. */
    static void states(String master) throws Exception {
        MesosSchedulerDriver unused = driver(master, new Quiet());
        all("not started", unused, Protos.Status.DRIVER_NOT_STARTED);
        is("join", Protos.Status.DRIVER_NOT_STARTED, unused.join());
        is("stop", Protos.Status.DRIVER_NOT_STARTED, unused.stop());
        is("abort", Protos.Status.DRIVER_NOT_STARTED, unused.abort());
        Quiet quiet = new Quiet();
        MesosSchedulerDriver stopped = driver(master, quiet);
        is("start", Protos.Status.DRIVER_RUNNING, stopped.start());
        is("start again", Protos.Status.DRIVER_RUNNING, stopped.start());
        is("registered", true, quiet.registered.await(20, TimeUnit.SECONDS));
        all("running", stopped, Protos.Status.DRIVER_RUNNING);
        is("stop", Protos.Status.DRIVER_STOPPED, stopped.stop(false));
        is("join", Protos.Status.DRIVER_STOPPED, stopped.join());
        all("stopped", stopped, Protos.Status.DRIVER_STOPPED);
        is("start", Protos.Status.DRIVER_STOPPED, stopped.start());
        Quiet other = new Quiet();
        MesosSchedulerDriver aborted = driver(master, other);
        aborted.start();
        is("registered", true, other.registered.await(20, TimeUnit.SECONDS));
        is("abort", Protos.Status.DRIVER_ABORTED, aborted.abort());
        all("aborted", aborted, Protos.Status.DRIVER_ABORTED);
        is("join", Protos.Status.DRIVER_ABORTED, aborted.join());
        is("stop", Protos.Status.DRIVER_ABORTED, aborted.stop(false));
        all("stopped", aborted, Protos.Status.DRIVER_STOPPED);
    }

    static void all(String state, MesosSchedulerDriver driver, Protos.Status status) throws Exception {
        Protos.OfferID offer = Protos.OfferID.newBuilder().setValue("none").build();
        Protos.ExecutorID executor = Protos.ExecutorID.newBuilder().setValue("none").build();
        Protos.SlaveID slave = Protos.SlaveID.newBuilder().setValue("none").build();
        Protos.TaskStatus task =
            Protos.TaskStatus.newBuilder().setTaskId(id("none")).setState(Protos.TaskState.TASK_RUNNING).build();
        Collection<Protos.TaskInfo> none = Collections.<Protos.TaskInfo>emptyList();
        Protos.Filters filters = Protos.Filters.newBuilder().build();
        is(state + " launchTasks", status, driver.launchTasks(offer, none));
        is(state + " launchTasks", status, driver.launchTasks(offer, none, filters));
        is(state + " launchTasks", status, driver.launchTasks(Collections.singleton(offer), none));
        is(state + " launchTasks", status, driver.launchTasks(Collections.singleton(offer), none, filters));
        is(state + " declineOffer", status, driver.declineOffer(offer));
        is(state + " declineOffer", status, driver.declineOffer(offer, filters));
        is(state + " killTask", status, driver.killTask(id("none")));
        is(state + " reviveOffers", status, driver.reviveOffers());
        is(state + " requestResources", status, driver.requestResources(Collections.<Protos.Request>emptyList()));
        is(state + " sendFrameworkMessage", status, driver.sendFrameworkMessage(executor, slave, new byte[] {1, 2}));
        is(state + " reconcileTasks", status, driver.reconcileTasks(Collections.<Protos.TaskStatus>emptyList()));
        later(state, driver, status, "suppressOffers", new Class<?>[] {});
        later(state, driver, status, "acceptOffers", new Class<?>[] {Collection.class, Collection.class, Protos.Filters.class},
            Collections.singleton(offer), Collections.emptyList(), filters);
        later(state, driver, status, "reviveOffers", new Class<?>[] {Collection.class}, Collections.singleton("*"));
        later(state, driver, status, "suppressOffers", new Class<?>[] {Collection.class}, Collections.emptyList());
        later(state, driver, status, "updateFramework", new Class<?>[] {Protos.FrameworkInfo.class, Collection.class},
            framework("harness"), Collections.emptyList());
        later(state, driver, status, "acknowledgeStatusUpdate", new Class<?>[] {Protos.TaskStatus.class}, task);
    }

    /** A method that younger jars have. */
    static void later(String state, Object driver, Object status, String name, Class<?>[] kinds, Object... values) throws Exception {
        try {
            is(state + " " + name, status, driver.getClass().getMethod(name, kinds).invoke(driver, values));
        } catch (NoSuchMethodException absent) {
            System.out.println("-- " + name + " is not in this jar");
        } catch (InvocationTargetException thrown) {
            // Drivers that acknowledge by themselves say so before the library is asked.
            is(state + " " + name + " throws", true, thrown.getCause() instanceof IllegalStateException);
        }
    }

    /** A scheduler that declines. */
    static class Quiet implements Act {
        final CountDownLatch registered = new CountDownLatch(1);
        final AtomicInteger updates = new AtomicInteger();
        volatile String error;

        public void on(SchedulerDriver driver, String what, Object value) {
            if (what.equals("registered")) {
                registered.countDown();
            } else if (what.equals("offers")) {
                for (Object offer : (List<?>) value) {
                    driver.declineOffer(((Protos.Offer) offer).getId());
                }
            } else if (what.equals("update")) {
                updates.incrementAndGet();
            } else if (what.equals("error")) {
                error = (String) value;
            }
        }
    }

    /** An exception in a callback aborts the driver and is described. */
    static void exception(String master) {
        MesosSchedulerDriver driver = driver(master, new Act() {
            public void on(SchedulerDriver driver, String what, Object value) {
                throw new IllegalStateException("thrown on purpose");
            }
        });
        is("run", Protos.Status.DRIVER_ABORTED, driver.run());
    }

    /** A master that is none is told before start returns. */
    static void wrong(String master) {
        for (String bad : new String[] {"nowhere", "localquiet", "zk://127.0.0.1:2181/", "ftp://x:1", ""}) {
            Quiet quiet = new Quiet();
            MesosSchedulerDriver driver = driver(bad, quiet);
            is("start", Protos.Status.DRIVER_ABORTED, driver.start());
            is("error names " + bad, true, quiet.error.contains("'" + bad + "'"));
            is("run", Protos.Status.DRIVER_ABORTED, driver.run());
        }
    }

    /** What no scheduler should do throws, and the JVM lives. */
    static void nulls(String master) throws Exception {
        Quiet quiet = new Quiet();
        MesosSchedulerDriver driver = driver(master, quiet);
        driver.start();
        is("registered", true, quiet.registered.await(20, TimeUnit.SECONDS));
        int thrown = 0;
        try {
            driver.killTask(null);
        } catch (RuntimeException expected) {
            thrown++;
        }
        try {
            driver.launchTasks(Collections.singleton((Protos.OfferID) null), Collections.<Protos.TaskInfo>emptyList());
        } catch (RuntimeException expected) {
            thrown++;
        }
        try {
            driver.sendFrameworkMessage(null, null, null);
        } catch (RuntimeException expected) {
            thrown++;
        }
        is("exceptions", 3, thrown);
        is("stop", Protos.Status.DRIVER_STOPPED, driver.stop());
    }

    /** Two drivers in one JVM, called from many threads, and many that are never started and collected. */
    static void many(final String master) throws Exception {
        for (int i = 0; i < 2000; i++) {
            driver(master, new Quiet());
            if (i % 500 == 0) {
                System.gc();
            }
        }
        final Quiet[] quiet = {new Quiet(), new Quiet()};
        final MesosSchedulerDriver[] drivers = {driver(master, quiet[0]), driver(master, quiet[1])};
        for (MesosSchedulerDriver driver : drivers) {
            driver.start();
        }
        List<Thread> threads = new ArrayList<Thread>();
        for (int i = 0; i < 8; i++) {
            final int number = i;
            Thread thread = new Thread() {
                public void run() {
                    try {
                        quiet[number % 2].registered.await(20, TimeUnit.SECONDS);
                    } catch (InterruptedException interrupted) {
                        return;
                    }
                    for (int j = 0; j < 100; j++) {
                        Protos.TaskStatus unknown = Protos.TaskStatus.newBuilder().setTaskId(id("t" + number + "-" + j))
                            .setState(Protos.TaskState.TASK_RUNNING).build();
                        drivers[number % 2].reconcileTasks(Collections.singleton(unknown));
                    }
                }
            };
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        for (int i = 0; i < 400 && quiet[0].updates.get() + quiet[1].updates.get() < 800; i++) {
            Thread.sleep(50);
        }
        is("updates", 800, quiet[0].updates.get() + quiet[1].updates.get());
        is("stop", Protos.Status.DRIVER_STOPPED, drivers[0].stop());
        is("stop", Protos.Status.DRIVER_STOPPED, drivers[1].stop());
        is("join", Protos.Status.DRIVER_STOPPED, drivers[1].join());
    }

    /** A driver that has stopped leaves no thread in the JVM. */
    static void threads(String master) throws Exception {
        for (int i = 0; i < 30; i++) {
            Quiet quiet = new Quiet();
            MesosSchedulerDriver driver = driver(master, quiet);
            driver.start();
            is("registered", true, quiet.registered.await(20, TimeUnit.SECONDS));
            driver.stop();
            driver.join();
        }
        int left = 1;
        for (int i = 0; i < 200 && left > 0; i++) {
            Thread.sleep(50);
            left = 0;
            for (Thread thread : Thread.getAllStackTraces().keySet()) {
                left += thread.getName().startsWith("longshore") ? 1 : 0;
            }
        }
        is("threads", 0, left);
    }

    /** So many updates a second. */
    static void speed(String master) throws Exception {
        Quiet quiet = new Quiet();
        MesosSchedulerDriver driver = driver(master, quiet);
        driver.start();
        is("registered", true, quiet.registered.await(20, TimeUnit.SECONDS));
        List<Protos.TaskStatus> unknown = new ArrayList<Protos.TaskStatus>();
        for (int i = 0; i < 50000; i++) {
            unknown.add(Protos.TaskStatus.newBuilder().setTaskId(id("unknown-" + i)).setState(Protos.TaskState.TASK_RUNNING).build());
        }
        long begun = System.nanoTime();
        driver.reconcileTasks(unknown);
        while (quiet.updates.get() < unknown.size() && System.nanoTime() - begun < 60e9) {
            Thread.sleep(5);
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        is("updates", unknown.size(), quiet.updates.get());
        System.out.println("rate " + Math.round(unknown.size() / seconds) + " updates/s");
        driver.stop();
    }

    /** The JVM exits in a callback, or although a driver runs. */
    static void exit(String master, boolean inCallback) throws Exception {
        final boolean exits = inCallback;
        final CountDownLatch registered = new CountDownLatch(1);
        MesosSchedulerDriver driver = driver(master, new Act() {
            public void on(SchedulerDriver driver, String what, Object value) {
                if (exits) {
                    System.exit(7);
                }
                registered.countDown();
            }
        });
        driver.start();
        is("registered", true, registered.await(20, TimeUnit.SECONDS));
    }

    static long residentKib() throws Exception {
        System.gc();
        System.gc();
        for (String line : java.nio.file.Files.readAllLines(java.nio.file.Paths.get("/proc/self/status"), java.nio.charset.StandardCharsets.UTF_8)) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        throw new IllegalStateException("no VmRSS");
    }

    /** What the library and a driver that runs add to a JVM that has the jar's classes. */
    static void memory(String master) throws Exception {
        Protos.Offer.newBuilder().buildPartial();
        Protos.FrameworkInfo.parseFrom(framework("memory").toByteArray());
        Protos.TaskStatus.parseFrom(Protos.TaskStatus.newBuilder().setTaskId(id("a")).setState(Protos.TaskState.TASK_LOST).build().toByteArray());
        long before = residentKib();
        Quiet quiet = new Quiet();
        MesosSchedulerDriver driver = driver(master, quiet);
        driver.start();
        is("registered", true, quiet.registered.await(20, TimeUnit.SECONDS));
        for (int i = 0; i < 100; i++) {
            driver.reconcileTasks(Arrays.asList(
                Protos.TaskStatus.newBuilder().setTaskId(id("unknown-" + i)).setState(Protos.TaskState.TASK_RUNNING).build()));
        }
        while (quiet.updates.get() < 100) {
            Thread.sleep(5);
        }
        long added = (residentKib() - before) / 1024;
        System.out.println("memory " + added + " MiB");
        is("little memory", true, added < 50);
        driver.stop();
    }

    public static void main(String[] arguments) throws Exception {
        String scenario = arguments[0];
        String master = arguments[1];
        if (scenario.equals("tasks")) {
            tasks(master);
        } else if (scenario.equals("states")) {
            states(master);
        } else if (scenario.equals("exception")) {
            exception(master);
        } else if (scenario.equals("wrong")) {
            wrong(master);
        } else if (scenario.equals("nulls")) {
            nulls(master);
        } else if (scenario.equals("many")) {
            many(master);
        } else if (scenario.equals("threads")) {
            threads(master);
        } else if (scenario.equals("speed")) {
            speed(master);
        } else if (scenario.equals("memory")) {
            memory(master);
        } else if (scenario.equals("exit")) {
            exit(master, true);
        } else if (scenario.equals("end")) {
            exit(master, false);
        } else {
            throw new IllegalArgumentException(scenario);
        }
        System.out.println("done");
    }
}
