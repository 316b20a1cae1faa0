"""A Spark job with a shuffle: shuffle.py MASTER [SECONDS]. With SECONDS it goes on for that long, and sums up at the end."""

import sys
import time

from pyspark import SparkConf, SparkContext

conf = SparkConf().setMaster("mesos://" + sys.argv[1]).setAppName("shuffle")
for name, value in {
    "spark.executor.memory": "512m",
    "spark.executor.cores": "1",
    "spark.cores.max": "2",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
}.items():
    conf.set(name, value)
context = SparkContext(conf=conf)
print("application", context.applicationId, flush=True)
end = time.monotonic() + float(sys.argv[2] if len(sys.argv) > 2 else 0)
rounds = 0
while True:
    pairs = context.parallelize(range(1_000_000), 4).map(lambda n: (n % 1000, n)).reduceByKey(lambda a, b: a + b, 4)
    assert sum(value for _, value in pairs.collect()) == sum(range(1_000_000))
    rounds += 1
    print("right", rounds, flush=True)
    if time.monotonic() >= end:
        break
context.stop()
print("stopped", flush=True)
