"""A job that tells what executors see: look.py URI VARIABLE, the content of the file that was fetched and the value."""

import os
import sys
import time

from pyspark import SparkConf, SparkContext

name, variable = os.path.basename(sys.argv[1]), sys.argv[2]


def look(_):
    time.sleep(0.5)  # so that both executors get some
    with open(os.path.join(os.environ["MESOS_SANDBOX"], name)) as file:
        return file.read().strip(), os.environ[variable]


context = SparkContext(conf=SparkConf().setAppName("look"))
print(f"application <{context.applicationId}>", flush=True)
seen = context.parallelize(range(8), 8).map(look).distinct().collect()
print(f"seen <{seen}>", flush=True)
context.stop()
