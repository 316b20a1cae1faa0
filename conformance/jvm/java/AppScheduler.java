import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.util.AbstractCollection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.mesos.MesosNativeLibrary;
import org.apache.mesos.MesosSchedulerDriver;
import org.apache.mesos.Protos;
import org.apache.mesos.Protos.TaskState;
import org.apache.mesos.Protos.TaskStatus;
import org.apache.mesos.Scheduler;
import org.apache.mesos.SchedulerDriver;
import org.apache.mesos.scheduler.Protos.OfferConstraints;

/**
 * Keeps a number of equal tasks running: java AppScheduler MASTER FOLDER COMMAND. It makes the calls that Marathon 1.11 makes, in its order and
 * on as many threads: the driver is made on one, runs on another, and is called from several more; its role is suppressed while there is nothing
 * to launch; updates are acknowledged one by one; a lost connection is its end. FOLDER has what it must not forget.
 *
 * A line tells it what to do: `scale N`, `ask` for a task that nobody knows, `quit` for good. It prints a line for each call ("->"), for each
 * callback ("<-"), and for what must not be ("WRONG").
 */
public class AppScheduler implements Scheduler {
    private static final Collection<String> ROLES = Collections.singleton("*");
    private static final int EXIT_LOST = 3;
    private static final int TASKS_PER_OFFER = 2;
    private static final Set<TaskState> LIVE =
        new HashSet<>(Arrays.asList(TaskState.TASK_STAGING, TaskState.TASK_STARTING, TaskState.TASK_RUNNING, TaskState.TASK_KILLING));

    private final Shelf shelf;
    private final String command;
    private final ExecutorService actor = thread("actor");
    private final ExecutorService reconciler = thread("reconciler");
    private final ExecutorService pool = Executors.newFixedThreadPool(4, task -> daemon(task, "pool"));
    private volatile MesosSchedulerDriver driver;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private static volatile boolean isStopping;
    private volatile boolean isQuitting;

    // Of the thread "actor" alone.
    private final Map<String, TaskStatus> known;
    private final Set<String> killing = new HashSet<>();
    private final Set<String> used = new HashSet<>();
    private int wanted;
    private boolean isRegistered;
    private boolean isSuppressed;
    private Protos.FrameworkInfo framework;

    AppScheduler(Shelf shelf, String command) {
        this.shelf = shelf;
        this.command = command;
        this.known = shelf.tasks();
        this.wanted = Integer.parseInt(shelf.text("wanted", "0"));
    }

    static Thread daemon(Runnable task, String name) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    static ExecutorService thread(String name) {
        return Executors.newSingleThreadExecutor(task -> daemon(task, name));
    }

    static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    /** Says what was called, and whether the driver did not take it. */
    static void called(String what, Protos.Status status) {
        say("-> " + what);
        if (status != Protos.Status.DRIVER_RUNNING && !isStopping) {
            say("WRONG " + what + ": " + status);
        }
    }

    // What the library calls.

    public void registered(SchedulerDriver driver, Protos.FrameworkID id, Protos.MasterInfo master) {
        say("<- registered " + id.getValue() + " " + master.getVersion());
        shelf.put("id", id.getValue());
        on(actor, () -> begin(id));
    }

    public void reregistered(SchedulerDriver driver, Protos.MasterInfo master) {
        say("<- reregistered");
    }

    public void resourceOffers(SchedulerDriver driver, List<Protos.Offer> offers) {
        say("<- offers " + offers.size());
        on(actor, () -> offers.forEach(this::choose));
    }

    public void offerRescinded(SchedulerDriver driver, Protos.OfferID offer) {
        say("<- rescinded");
    }

    public void statusUpdate(SchedulerDriver driver, TaskStatus status) {
        String uuid = status.hasUuid() ? "uuid" : "none";
        say("<- update " + status.getTaskId().getValue() + " " + status.getState() + " " + status.getSource() + " " + status.getReason() + " "
            + status.getSlaveId().getValue() + " " + uuid);
        on(actor, () -> told(status));
        on(pool, () -> called("acknowledge " + status.getTaskId().getValue() + " " + status.getState() + " " + uuid,
            driver.acknowledgeStatusUpdate(status)));
    }

    public void frameworkMessage(SchedulerDriver driver, Protos.ExecutorID executor, Protos.SlaveID slave, byte[] data) {
        say("WRONG a message");
    }

    public void disconnected(SchedulerDriver driver) {
        say("<- disconnected");
        stop(true);
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

    /** Runs on a thread; what goes wrong there must be seen. */
    private static void on(ExecutorService thread, Runnable act) {
        thread.execute(() -> {
            try {
                act.run();
            } catch (Throwable wrong) {
                say("WRONG " + wrong);
            }
        });
    }

    // What it does, on the thread "actor".

    /** The role is suppressed first, then comes the question about all that is known, then the one whether anybody is there. */
    private void begin(Protos.FrameworkID id) {
        framework = framework.toBuilder().setId(id).build();
        isRegistered = true;
        settle();
        Collection<TaskStatus> all = new Walked<>(new ArrayList<>(known.values()));
        int count = known.size();
        on(reconciler, () -> {
            if (count > 0) {
                called("reconcile " + count, driver.reconcileTasks(all));
            }
            called("reconcile all", driver.reconcileTasks(Arrays.<TaskStatus>asList()));
            on(actor, this::ask);
        });
    }

    private void ask() {
        TaskStatus about = TaskStatus.newBuilder().setTaskId(id("nobody-" + UUID.randomUUID())).setState(TaskState.TASK_LOST)
            .setSlaveId(Protos.SlaveID.newBuilder().setValue("nowhere-" + UUID.randomUUID())).build();
        called("ask " + about.getTaskId().getValue() + " " + about.getSlaveId().getValue(),
            driver.reconcileTasks(Collections.singletonList(about)));
    }

    private void scale(int to) {
        wanted = to;
        shelf.put("wanted", String.valueOf(to));
        settle();
    }

    private int missing() {
        return wanted - (known.size() - killing.size());
    }

    private boolean isStaging() {
        return known.values().stream().anyMatch(one -> one.getState() == TaskState.TASK_STAGING);
    }

    /** Makes the calls that what is wanted takes: they depend on whether the role is suppressed. */
    private void settle() {
        if (!isRegistered) {
            return;
        }
        if (missing() < 0) {
            killSome(-missing());
        }
        if (missing() <= 0 && !isSuppressed && !isStaging()) {
            suppress(true);
        } else if (missing() > 0 && isSuppressed) {
            used.clear();
            suppress(false);
        } else if (missing() > 0 && !isStaging()) {
            used.clear();
            called("revive", driver.reviveOffers(new Walked<>(ROLES)));
        }
    }

    private void suppress(boolean suppressed) {
        isSuppressed = suppressed;
        Collection<String> roles = new Walked<>(suppressed ? ROLES : Collections.<String>emptySet());
        called(suppressed ? "suppress" : "unsuppress", driver.updateFramework(framework, roles, OfferConstraints.getDefaultInstance()));
    }

    private void killSome(int count) {
        List<String> live = new ArrayList<>(known.keySet());
        live.removeAll(killing);
        for (String task : live.subList(0, count)) {
            killing.add(task);
            called("kill " + task, driver.killTask(id(task)));
        }
    }

    /** Takes an offer for some tasks, not twice of an agent between two calls for offers, or declines it for long. */
    private void choose(Protos.Offer offer) {
        List<Protos.Offer.Operation> launches = new ArrayList<>();
        if (missing() > 0 && used.add(offer.getSlaveId().getValue())) {
            for (int count = Math.min(missing(), TASKS_PER_OFFER); count > 0; count--) {
                launches.add(launch(offer, launches.size()));
            }
        }
        Protos.OfferID id = offer.getId();
        if (launches.isEmpty()) {
            on(pool, () -> called("decline", driver.declineOffer(id, refuse(120))));
        } else {
            on(pool, () -> called("accept " + launches.size(),
                driver.acceptOffers(Collections.singleton(id), new Walked<>(launches), refuse(0))));
        }
    }

    private Protos.Offer.Operation launch(Protos.Offer offer, int index) {
        Protos.TaskInfo task = task("app." + UUID.randomUUID(), offer, index);
        TaskStatus status =
            TaskStatus.newBuilder().setTaskId(task.getTaskId()).setState(TaskState.TASK_STAGING).setSlaveId(task.getSlaveId()).build();
        shelf.putTask(status);
        known.put(task.getTaskId().getValue(), status);
        return Protos.Offer.Operation.newBuilder().setType(Protos.Offer.Operation.Type.LAUNCH)
            .setLaunch(Protos.Offer.Operation.Launch.newBuilder().addTaskInfos(task)).build();
    }

    private void told(TaskStatus status) {
        String task = status.getTaskId().getValue();
        boolean isLive = LIVE.contains(status.getState());
        if (!known.containsKey(task)) {
            if (isLive) {
                called("kill " + task + ", which is a stranger", driver.killTask(status.getTaskId()));
            }
            return;
        }
        if (isLive) {
            known.put(task, status);
            shelf.putTask(status);
        } else {
            known.remove(task);
            killing.remove(task);
            shelf.removeTask(task);
        }
        settle();
    }

    private void quit() {
        isQuitting = true;
        stop(false);
    }

    private void stop(boolean failover) {
        isStopping = true;
        say("-> stop " + driver.stop(failover));
        stopped.countDown();
    }

    // Messages.

    static Protos.TaskID id(String value) {
        return Protos.TaskID.newBuilder().setValue(value).build();
    }

    static Protos.Filters refuse(double seconds) {
        return Protos.Filters.newBuilder().setRefuseSeconds(seconds).build();
    }

    /** Has the role as it was written before roles were allocated, although offers have it both ways. */
    @SuppressWarnings("deprecation")
    static Protos.Resource scalar(String name, double value) {
        return Protos.Resource.newBuilder().setName(name).setType(Protos.Value.Type.SCALAR).setRole("*")
            .setScalar(Protos.Value.Scalar.newBuilder().setValue(value)).build();
    }

    /** One port of an offer: another one for each index. */
    @SuppressWarnings("deprecation")
    static Protos.Resource port(Protos.Offer offer, int index) {
        for (Protos.Resource resource : offer.getResourcesList()) {
            for (Protos.Value.Range range : resource.getRanges().getRangeList()) {
                long port = range.getBegin() + index;
                if (resource.getName().equals("ports") && port <= range.getEnd()) {
                    Protos.Value.Range one = Protos.Value.Range.newBuilder().setBegin(port).setEnd(port).build();
                    return Protos.Resource.newBuilder().setName("ports").setType(Protos.Value.Type.RANGES).setRole("*")
                        .setRanges(Protos.Value.Ranges.newBuilder().addRange(one)).build();
                }
            }
        }
        throw new IllegalStateException("an offer without ports");
    }

    private Protos.TaskInfo task(String name, Protos.Offer offer, int index) {
        Protos.Environment.Variable variable = Protos.Environment.Variable.newBuilder().setName("MESOS_TASK_ID").setValue(name).build();
        Protos.CommandInfo runs =
            Protos.CommandInfo.newBuilder().setEnvironment(Protos.Environment.newBuilder().addVariables(variable)).setValue(command).build();
        return Protos.TaskInfo.newBuilder().setName("app").setTaskId(id(name)).setSlaveId(offer.getSlaveId())
            .addResources(scalar("cpus", 0.1)).addResources(scalar("mem", 32)).addResources(port(offer, index)).setCommand(runs)
            .setDiscovery(Protos.DiscoveryInfo.newBuilder().setVisibility(Protos.DiscoveryInfo.Visibility.FRAMEWORK).setName("app")).build();
    }

    private static Protos.FrameworkInfo framework(String id) {
        Protos.FrameworkInfo.Builder info = Protos.FrameworkInfo.newBuilder().setUser("root").setName("app-scheduler").setFailoverTimeout(604800)
            .setCheckpoint(true).setHostname("127.0.0.1").setWebuiUrl("http://127.0.0.1:1").addAllRoles(ROLES);
        for (String name : new String[] {"PARTITION_AWARE", "REGION_AWARE", "MULTI_ROLE"}) {
            info.addCapabilities(
                Protos.FrameworkInfo.Capability.newBuilder().setType(Protos.FrameworkInfo.Capability.Type.valueOf(name)));
        }
        return id == null ? info.build() : info.setId(Protos.FrameworkID.newBuilder().setValue(id)).build();
    }

    /** A collection of which one may ask no more than what is in it, one by one: those of other languages are not as rich as Java's. */
    static final class Walked<T> extends AbstractCollection<T> {
        private final Collection<T> items;

        Walked(Collection<T> items) {
            this.items = items;
        }

        public Iterator<T> iterator() {
            return items.iterator();
        }

        public int size() {
            throw new UnsupportedOperationException("the size of a collection that is walked");
        }
    }

    /** What outlives the process, a file for each thing, which is there as a whole or not at all. */
    static final class Shelf {
        private final Path folder;

        Shelf(Path folder) throws IOException {
            this.folder = folder;
            Files.createDirectories(folder.resolve("tasks"));
        }

        private void write(Path path, byte[] data) {
            try {
                Path made = Files.createTempFile(folder, "new", "");
                Files.write(made, data);
                Files.move(made, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        void put(String name, String text) {
            write(folder.resolve(name), text.getBytes(StandardCharsets.UTF_8));
        }

        String text(String name, String otherwise) {
            try {
                Path path = folder.resolve(name);
                return Files.exists(path) ? new String(Files.readAllBytes(path), StandardCharsets.UTF_8) : otherwise;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        void putTask(TaskStatus status) {
            write(folder.resolve("tasks").resolve(status.getTaskId().getValue()), status.toByteArray());
        }

        void removeTask(String task) {
            try {
                Files.delete(folder.resolve("tasks").resolve(task));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        Map<String, TaskStatus> tasks() {
            Map<String, TaskStatus> found = new TreeMap<>();
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder.resolve("tasks"))) {
                for (Path file : files) {
                    found.put(file.getFileName().toString(), TaskStatus.parseFrom(Files.readAllBytes(file)));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return found;
        }
    }

    // The process.

    /** The driver's whole life is one call, on a thread of its own; when it is over, so is the process. */
    private Void live() throws InterruptedException {
        Protos.Status status = driver.run();
        if (!isStopping) {
            say("WRONG run: it ended by itself");
            System.exit(1);
        }
        stopped.await();
        say("-> run " + status);
        System.exit(isQuitting ? 0 : EXIT_LOST);
        return null;
    }

    private void obey() throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("scale")) {
                on(actor, () -> scale(Integer.parseInt(words[1])));
            } else if (words[0].equals("ask")) {
                on(actor, this::ask);
            } else if (words[0].equals("quit")) {
                on(actor, this::quit);
            } else {
                say("WRONG order " + line);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        MesosNativeLibrary.load();
        MesosNativeLibrary.Version version = MesosNativeLibrary.version();
        say("version " + version.major + "." + version.minor + "." + version.patch);
        if (version.before(new MesosNativeLibrary.Version(1, 5, 0))) {
            throw new IllegalStateException("the library is too old");
        }
        Shelf shelf = new Shelf(Paths.get(arguments[1]));
        AppScheduler scheduler = new AppScheduler(shelf, arguments[2]);
        scheduler.framework = framework(shelf.text("id", null));
        scheduler.driver = thread("maker").submit(() -> new MesosSchedulerDriver(scheduler, scheduler.framework, arguments[0], false)).get();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> scheduler.driver.stop(true), "last"));
        thread("runner").submit(scheduler::live);
        scheduler.obey();
    }
}
