"""A job for executors that come and go: elastic.py [again]. Two rounds with a shuffle, or of one shuffle, and none is left after either."""

import sys
import time

from pyspark import SparkConf, SparkContext

context = SparkContext(conf=SparkConf().setAppName("elastic"))
print(f"application <{context.applicationId}>", flush=True)
tracker = context._jsc.sc().statusTracker()


def executors():
    return len(tracker.getExecutorInfos()) - 1  # but for the driver


pairs = None
for turn in (1, 2):
    if not pairs or "again" not in sys.argv:
        pairs = context.parallelize(range(100_000), 4).map(lambda n: (n % 1000, n)).reduceByKey(lambda a, b: a + b, 4)
    assert dict(pairs.collect()) == {key: sum(range(key, 100_000, 1000)) for key in range(1000)}
    print(f"right <{turn}>", flush=True)
    while executors():
        time.sleep(0.1)
    print(f"idle <{turn}>", flush=True)
context.stop()
