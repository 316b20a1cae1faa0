import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/** SparkPi, whose jar is not on PyPI: Pi SLICES. */
public final class Pi {
    private static final int DARTS = 200_000;

    public static void main(String[] arguments) {
        int slices = Integer.parseInt(arguments[0]);
        try (JavaSparkContext context = new JavaSparkContext(new SparkConf().setAppName("pi"))) {
            System.out.println("application <" + context.sc().applicationId() + ">");
            long inside = context.parallelize(IntStream.range(0, slices).boxed().collect(Collectors.toList()), slices).map(Pi::hits).reduce(Long::sum);
            System.out.println("Pi is roughly <" + 4.0 * inside / ((long) slices * DARTS) + ">");
        }
    }

    private static long hits(int seed) {
        java.util.Random random = new java.util.Random(seed);
        long hits = 0;
        for (int n = 0; n < DARTS; n++) {
            double x = random.nextDouble();
            double y = random.nextDouble();
            hits += x * x + y * y <= 1 ? 1 : 0;
        }
        return hits;
    }
}
