import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.ExecutionEnvironment;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.util.Collector;

/**
 * A job for Flink: WordCount TIMES MILLISECONDS WORD... counts the words of a text that consists of that many times the same line, and
 * takes that long for each line.
 */
public class WordCount {
    public static void main(String[] arguments) throws Exception {
        String line = String.join(" ", Arrays.asList(arguments).subList(2, arguments.length));
        long pause = Long.parseLong(arguments[1]);
        List<String> text = Collections.nCopies(Integer.parseInt(arguments[0]), line);
        ExecutionEnvironment flink = ExecutionEnvironment.getExecutionEnvironment();
        List<Tuple2<String, Integer>> counts = flink.fromCollection(text)
            .flatMap((String words, Collector<Tuple2<String, Integer>> out) -> {
                Thread.sleep(pause);
                for (String word : words.split(" ")) out.collect(Tuple2.of(word, 1));
            })
            .returns(Types.TUPLE(Types.STRING, Types.INT)).groupBy(0).sum(1).collect();
        for (Tuple2<String, Integer> count : counts) System.out.println("count " + count.f0 + " " + count.f1);
    }
}
