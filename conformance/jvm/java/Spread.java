import com.netflix.fenzo.ConstraintEvaluator;
import com.netflix.fenzo.TaskAssignmentResult;
import com.netflix.fenzo.TaskRequest;
import com.netflix.fenzo.TaskScheduler;
import com.netflix.fenzo.VMAssignmentResult;
import com.netflix.fenzo.VMTaskFitnessCalculator;
import com.netflix.fenzo.VirtualMachineLease;
import com.netflix.fenzo.plugins.UniqueHostAttrConstraint;
import com.netflix.fenzo.plugins.VMLeaseObject;
import java.util.*;
import java.util.concurrent.*;
import org.apache.mesos.*;
import org.apache.mesos.Protos.*;

/**
 * A framework that lets Netflix's Fenzo choose: Spread MASTER runs three tasks, each in a zone of its own, and a fourth which has to wait
 * until one of them is killed. Fenzo gives each two ports, and rejects the offers that it has no use for.
 */
public class Spread implements Scheduler {
    private static final String ZONE = "ecs.availability-zone";

    private final BlockingQueue<VirtualMachineLease> leases = new LinkedBlockingQueue<>();
    private final BlockingQueue<TaskStatus> updates = new LinkedBlockingQueue<>();
    private final Map<String, Wish> waiting = new LinkedHashMap<>();
    private final Map<String, String> zones = new TreeMap<>();
    private final Map<String, String> hosts = new TreeMap<>();
    private int rejected;
    private SchedulerDriver driver;
    private TaskScheduler fenzo;

    public static void main(String[] arguments) throws Exception {
        new Spread().run(arguments[0]);
        System.out.println("done");
    }

    private void run(String master) throws Exception {
        driver = new MesosSchedulerDriver(this, FrameworkInfo.newBuilder().setUser("").setName("spread").build(), master);
        fenzo = new TaskScheduler.Builder().withLeaseOfferExpirySecs(1).withRejectAllExpiredOffers()
            .withLeaseRejectAction(this::reject).build();
        driver.start();
        for (String name : List.of("a", "b", "c", "d")) waiting.put(name, new Wish(name));
        until(3, TaskState.TASK_RUNNING);
        check(new HashSet<>(zones.values()).size() == 3, "the zones are " + zones);
        check(waiting.size() == 1, "these still wait: " + waiting.keySet());
        // Offers that nothing was launched on are rejected in time, and come again.
        for (int round = 0; round < 150 && rejected == 0; round++) place(Optional.empty());
        check(rejected > 0, "no offer was rejected");
        String first = zones.keySet().iterator().next(), zone = zones.get(first);
        driver.killTask(TaskID.newBuilder().setValue(first).build());
        until(1, TaskState.TASK_KILLED);
        until(1, TaskState.TASK_RUNNING);
        check(zone.equals(zones.get("d")), "d is in " + zones.get("d") + " and not in " + zone);
        for (String task : List.copyOf(zones.keySet())) driver.killTask(TaskID.newBuilder().setValue(task).build());
        until(3, TaskState.TASK_KILLED);
        check(driver.stop() == Status.DRIVER_STOPPED && driver.join() == Status.DRIVER_STOPPED, "the driver did not stop");
        fenzo.shutdown();
    }

    private void reject(VirtualMachineLease lease) {
        rejected++;
        driver.declineOffer(lease.getOffer().getId());
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            System.out.println("wrong: " + otherwise);
            System.exit(1);
        }
    }

    /** Goes on until that many tasks have said that they are in a state. */
    private void until(int tasks, TaskState state) throws Exception {
        for (int round = 0, seen = 0; seen < tasks; round++) {
            check(round < 200, seen + " of " + tasks + " tasks were " + state);
            Optional<TaskStatus> update = Optional.ofNullable(updates.poll(100, TimeUnit.MILLISECONDS));
            place(update);
            if (update.isPresent() && update.get().getState() == state) seen++;
        }
    }

    /** One round of Fenzo: what is over is taken from it, and it gets the new offers. */
    private void place(Optional<TaskStatus> update) throws Exception {
        if (update.isEmpty()) Thread.sleep(100);
        update.filter(status -> status.getState() == TaskState.TASK_KILLED).ifPresent(status -> {
            String task = status.getTaskId().getValue();
            fenzo.getTaskUnAssigner().call(task, hosts.remove(task));
            zones.remove(task);
        });
        List<VirtualMachineLease> fresh = new ArrayList<>();
        leases.drainTo(fresh);
        for (VMAssignmentResult found : fenzo.scheduleOnce(new ArrayList<>(waiting.values()), fresh).getResultMap().values()) launch(found);
    }

    private void launch(VMAssignmentResult found) {
        List<OfferID> offers = new ArrayList<>();
        for (VirtualMachineLease lease : found.getLeasesUsed()) offers.add(lease.getOffer().getId());
        VirtualMachineLease lease = found.getLeasesUsed().get(0);
        List<TaskInfo> tasks = new ArrayList<>();
        for (TaskAssignmentResult one : found.getTasksAssigned()) {
            fenzo.getTaskAssigner().call(waiting.remove(one.getTaskId()), found.getHostname());
            hosts.put(one.getTaskId(), found.getHostname());
            zones.put(one.getTaskId(), lease.getAttributeMap().get(ZONE).getText().getValue());
            check(one.getAssignedPorts().size() == 2, "Fenzo gave the ports " + one.getAssignedPorts());
            tasks.add(task(one, lease.getOffer().getSlaveId()));
        }
        driver.launchTasks(offers, tasks);
    }

    private static TaskInfo task(TaskAssignmentResult one, SlaveID agent) {
        TaskInfo.Builder task = TaskInfo.newBuilder().setName(one.getTaskId()).setTaskId(TaskID.newBuilder().setValue(one.getTaskId()));
        task.setSlaveId(agent).setCommand(CommandInfo.newBuilder().setValue("sleep 600"));
        for (String name : List.of("cpus", "mem")) {
            double amount = name.equals("cpus") ? one.getRequest().getCPUs() : one.getRequest().getMemory();
            Value.Scalar.Builder scalar = Value.Scalar.newBuilder().setValue(amount);
            task.addResources(Resource.newBuilder().setName(name).setType(Value.Type.SCALAR).setScalar(scalar));
        }
        Value.Ranges.Builder ranges = Value.Ranges.newBuilder();
        for (int port : one.getAssignedPorts()) ranges.addRange(Value.Range.newBuilder().setBegin(port).setEnd(port));
        return task.addResources(Resource.newBuilder().setName("ports").setType(Value.Type.RANGES).setRanges(ranges)).build();
    }

    /** What a task wants: a zone in which no other task is. */
    private class Wish implements TaskRequest {
        private final String name;
        private AssignedResources assigned;

        Wish(String name) {
            this.name = name;
        }

        public String getId() { return name; }
        public String taskGroupName() { return ""; }
        public double getCPUs() { return 0.5; }
        public double getMemory() { return 64; }
        public double getNetworkMbps() { return 0; }
        public double getDisk() { return 0; }
        public int getPorts() { return 2; }
        public Map<String, Double> getScalarRequests() { return Map.of(); }
        public Map<String, NamedResourceSetRequest> getCustomNamedResources() { return Map.of(); }
        public List<ConstraintEvaluator> getHardConstraints() {
            return List.of(new UniqueHostAttrConstraint(task -> Set.of("a", "b", "c", "d"), ZONE));
        }
        public List<VMTaskFitnessCalculator> getSoftConstraints() { return List.of(); }
        public void setAssignedResources(AssignedResources resources) { assigned = resources; }
        public AssignedResources getAssignedResources() { return assigned; }
    }

    public void registered(SchedulerDriver driver, FrameworkID framework, MasterInfo master) {}
    public void reregistered(SchedulerDriver driver, MasterInfo master) {}
    public void resourceOffers(SchedulerDriver driver, List<Offer> offers) {
        for (Offer offer : offers) leases.add(new VMLeaseObject(offer));
    }
    public void offerRescinded(SchedulerDriver driver, OfferID offer) { fenzo.expireLease(offer.getValue()); }
    public void statusUpdate(SchedulerDriver driver, TaskStatus status) { updates.add(status); }
    public void frameworkMessage(SchedulerDriver driver, ExecutorID executor, SlaveID agent, byte[] data) {}
    public void disconnected(SchedulerDriver driver) {}
    public void slaveLost(SchedulerDriver driver, SlaveID agent) {}
    public void executorLost(SchedulerDriver driver, ExecutorID executor, SlaveID agent, int status) {}
    public void error(SchedulerDriver driver, String message) { check(false, message); }
}
