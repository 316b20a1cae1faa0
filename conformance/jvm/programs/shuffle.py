"""A job with a shuffle: shuffle.py [FILE]. With FILE it goes on until the file is there."""

import os
import sys

from pyspark import SparkConf, SparkContext

context = SparkContext(conf=SparkConf().setAppName("shuffle"))
print(f"application <{context.applicationId}>", flush=True)
rounds = 0
while True:
    pairs = context.parallelize(range(1_000_000), 4).map(lambda n: (n % 1000, n)).reduceByKey(lambda a, b: a + b, 4)
    assert dict(pairs.collect()) == {key: sum(range(key, 1_000_000, 1000)) for key in range(1000)}
    rounds += 1
    print(f"right <{rounds}>", flush=True)
    if len(sys.argv) == 1 or os.path.exists(sys.argv[1]):
        break
context.stop()
print("stopped", flush=True)
