import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.mesos.state.InMemoryState;
import org.apache.mesos.state.Variable;
import org.apache.mesos.state.ZooKeeperState;

/**
 * What the natives of org.apache.mesos.state promise, one scenario a run: java States SCENARIO SERVERS. It is compiled against the jar of each
 * generation of Mesos. Prints a line for each thing that is so, and exits with 1 for the first that is not.
 */
public class States {
    static void is(String what, Object expected, Object found) {
        if (expected == null ? found != null : !expected.equals(found)) {
            System.out.println("WRONG " + what + ": " + found + ", not " + expected);
            System.out.flush();
            Runtime.getRuntime().halt(1);
        }
        System.out.println("ok " + what + ": " + found);
        System.out.flush();
    }

    static String text(Variable variable) throws Exception {
        return new String(variable.value(), "UTF-8");
    }

    static Variable with(Variable variable, String text) throws Exception {
        return variable.mutate(text.getBytes("UTF-8"));
    }

    static ZooKeeperState state(String servers) {
        return new ZooKeeperState(servers, 10, TimeUnit.SECONDS, "/harness/state");
    }

    static List<String> names(ZooKeeperState state) throws Exception {
        List<String> names = new ArrayList<String>();
        for (Iterator<String> each = state.names().get(); each.hasNext();) {
            names.add(each.next());
        }
        Collections.sort(names);
        return names;
    }

    /** A variable's life; who is late does not win. */
    static void life(String servers) throws Exception {
        ZooKeeperState state = state(servers);
        is("names of nothing", "[]", names(state).toString());
        Variable absent = state.fetch("job").get();
        is("a variable that is not there", "", text(absent));
        Future<Variable> storing = state.store(with(absent, "one"));
        Variable one = storing.get();
        is("stored", "one", text(one));
        is("an answer is had again", "one", text(storing.get(1, TimeUnit.SECONDS)));
        is("done", true, storing.isDone());
        is("too late to cancel", false, storing.cancel(true));
        is("not cancelled", false, storing.isCancelled());
        is("who is late", null, state.store(with(absent, "two")).get());
        Variable two = state.store(with(one, "two")).get();
        is("who is not", "two", text(two));
        is("as another reads it", "two", text(state(servers).fetch("job").get(10, TimeUnit.SECONDS)));
        is("what was read before stays", "one", text(one));
        state.store(with(state.fetch("other").get(), "")).get();
        is("names", "[job, other]", names(state).toString());
        is("removing what changed since", false, state.expunge(one).get());
        is("removing", true, state.expunge(two).get());
        is("removing again", false, state.expunge(two).get(10, TimeUnit.SECONDS));
        is("after that", "", text(state.fetch("job").get()));
        is("what is left", "[other]", names(state).toString());
    }

    /** Many at once, and many that are forgotten. */
    static void many(final String servers) throws Exception {
        ZooKeeperState state = state(servers);
        List<Future<Variable>> fetching = new ArrayList<Future<Variable>>();
        for (int i = 0; i < 1000; i++) {
            fetching.add(state.fetch("many-" + i));
        }
        List<Future<Variable>> storing = new ArrayList<Future<Variable>>();
        for (Future<Variable> one : fetching) {
            storing.add(state.store(with(one.get(), "x")));
        }
        for (Future<Variable> one : storing) {
            is("stored", "x", text(one.get()));
        }
        fetching = null;
        storing = null;
        for (int i = 0; i < 20; i++) {
            state(servers).fetch("many-" + i);
            System.gc();
        }
        System.runFinalization();
        is("all there", 1000, new HashSet<String>(names(state)).size());
        List<Thread> threads = new ArrayList<Thread>();
        final int[] won = {0};
        final Variable seen = state.fetch("many-0").get();
        for (int i = 0; i < 8; i++) {
            threads.add(new Thread() {
                public void run() {
                    try {
                        if (state(servers).store(with(seen, "mine")).get() != null) {
                            synchronized (won) {
                                won[0]++;
                            }
                        }
                    } catch (Exception e) {
                        throw new RuntimeException(e);
                    }
                }
            });
        }
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        is("how many of eight win", 1, won[0]);
    }

    /** What cannot be done is said. */
    static void wrong(String servers) throws Exception {
        ZooKeeperState state = state(servers);
        for (String name : new String[] {"", "a/b", ".."}) {
            try {
                state.fetch(name).get();
                is("the name " + name, "refused", "taken");
            } catch (ExecutionException e) {
                is("the name '" + name + "' is refused", true, e.getMessage().contains("cannot be a name"));
            }
        }
        try {
            state.store(state.fetch("large").get().mutate(new byte[1024 * 1024])).get();
            is("a large value", "refused", "taken");
        } catch (ExecutionException e) {
            is("a large value is refused", true, e.getMessage().contains("ZooKeeper takes"));
        }
        String[][] places = {{"nowhere:x", "/a"}, {servers, "a"}, {"", "/a"}};
        for (String[] place : places) {
            try {
                new ZooKeeperState(place[0], 10, TimeUnit.SECONDS, place[1]);
                is("a place", "refused", "taken");
            } catch (IllegalArgumentException e) {
                is("a place is refused", true, e.getMessage().contains("cannot keep state"));
            }
        }
        try {
            new ZooKeeperState(servers, 10, TimeUnit.SECONDS, "/a", "kerberos", new byte[] {1});
            is("a scheme", "refused", "taken");
        } catch (IllegalArgumentException e) {
            is("a scheme is refused", "the scheme is \"kerberos\", and only \"digest\" is known", e.getMessage());
        }
        try {
            state.store(new InMemoryState().fetch("a").get()).get();
            is("a variable of another state", "refused", "taken");
        } catch (IllegalArgumentException e) {
            is("a variable of another state is refused", true, e.getMessage().contains("not fetched from"));
        }
        try {
            state.fetch(null);
            is("null", "refused", "taken");
        } catch (RuntimeException e) {
            is("null is refused", true, true);
        }
    }

    /** While nobody answers; SERVERS is where nothing listens. */
    static void away(String servers) throws Exception {
        ZooKeeperState state = state(servers);
        Future<Variable> fetching = state.fetch("a");
        try {
            fetching.get(300, TimeUnit.MILLISECONDS);
            is("a fetch", "waits", "is done");
        } catch (TimeoutException e) {
            is("a fetch waits", false, fetching.isDone());
        }
        Thread.currentThread().interrupt();
        try {
            fetching.get(300, TimeUnit.MILLISECONDS);
            is("a wait", "goes on", "ends");
        } catch (TimeoutException e) {
            is("a wait goes on when its thread is interrupted, which stays so", true, Thread.interrupted());
        }
        is("cancelled", true, fetching.cancel(true));
        is("is cancelled", true, fetching.isCancelled());
        try {
            fetching.get();
            is("a cancelled one", "throws", "ends");
        } catch (CancellationException e) {
            is("a cancelled one throws", true, fetching.isDone());
        }
    }

    /** Leaves a variable behind, with credentials. */
    static void own(String servers) throws Exception {
        ZooKeeperState open = new ZooKeeperState(servers, 10, TimeUnit.SECONDS, "/left/open", null, null);
        is("left", "value", text(open.store(with(open.fetch("job").get(), "value")).get()));
        byte[] secret = "user:secret".getBytes("UTF-8");
        ZooKeeperState own = new ZooKeeperState(servers, 10, TimeUnit.SECONDS, "/left/own", "digest", secret);
        is("left", "value", text(own.store(with(own.fetch("job").get(), "value")).get()));
        ZooKeeperState other = new ZooKeeperState(servers, 10, TimeUnit.SECONDS, "/left/own");
        is("everybody reads", "value", text(other.fetch("job").get()));
        try {
            other.store(with(other.fetch("job").get(), "theirs")).get();
            is("somebody else's change", "refused", "taken");
        } catch (ExecutionException e) {
            is("somebody else's change is refused", true, e.getMessage().contains("refuses"));
        }
        is("what others stored", "theirs", text(open.fetch("foreign").get()));
    }

    static void absent(String name, Object... arguments) throws Exception {
        Class<?> kind;
        try {
            kind = Class.forName("org.apache.mesos." + name);
        } catch (ClassNotFoundException e) {
            System.out.println("ok " + name + " is not in this jar");
            return;
        }
        for (Constructor<?> constructor : kind.getConstructors()) {
            if (constructor.getParameterTypes().length != arguments.length) {
                continue;
            }
            try {
                constructor.newInstance(arguments);
                is(name, "refused", "made");
            } catch (InvocationTargetException e) {
                is(name + " is refused", UnsatisfiedLinkError.class, e.getCause().getClass());
                is("with a reason", true, e.getCause().getMessage().startsWith("Longshore"));
                return;
            }
        }
        is(name, "a constructor", "none");
    }

    /** A stand-in for any interface. */
    static Object any(String name) throws Exception {
        try {
            Class<?> kind = Class.forName("org.apache.mesos." + name);
            return java.lang.reflect.Proxy.newProxyInstance(kind.getClassLoader(), new Class<?>[] {kind}, new java.lang.reflect.InvocationHandler() {
                public Object invoke(Object proxy, java.lang.reflect.Method method, Object[] arguments) {
                    return null;
                }
            });
        } catch (ClassNotFoundException e) {
            return null;
        }
    }

    static Object v1Framework() throws Exception {
        try {
            Class<?> kind = Class.forName("org.apache.mesos.v1.Protos$FrameworkInfo");
            return kind.getMethod("getDefaultInstance").invoke(null);
        } catch (ClassNotFoundException e) {
            return null;
        }
    }

    /** What there is not. */
    static void absent() throws Exception {
        absent("MesosExecutorDriver", any("Executor"));
        absent("Log", 1, "/tmp/log", Collections.emptySet());
        absent("Log", 1, "/tmp/log", "localhost:1", 1L, TimeUnit.SECONDS, "/log");
        absent("Log", 1, "/tmp/log", "localhost:1", 1L, TimeUnit.SECONDS, "/log", "digest", new byte[] {1});
        absent("state.LevelDBState", "/tmp/leveldb");
        absent("state.LogState", "localhost:1", 1L, TimeUnit.SECONDS, "/log", 1L, "/tmp/log");
        absent("v1.scheduler.V0Mesos", any("v1.scheduler.Scheduler"), v1Framework(), "localhost:1");
        absent("v1.scheduler.V1Mesos", any("v1.scheduler.Scheduler"), "localhost:1");
        System.gc();
        System.runFinalization();
    }

    public static void main(String[] arguments) throws Exception {
        String scenario = arguments[0];
        String servers = arguments[1];
        if (scenario.equals("life")) {
            life(servers);
        } else if (scenario.equals("many")) {
            many(servers);
        } else if (scenario.equals("wrong")) {
            wrong(servers);
        } else if (scenario.equals("away")) {
            away(servers);
        } else if (scenario.equals("own")) {
            own(servers);
        } else if (scenario.equals("absent")) {
            absent();
        } else {
            throw new IllegalArgumentException(scenario);
        }
        System.out.println("done");
    }
}
