"""A job whose executors are refused: refused.py FOLDER NAME=VALUE[;NAME=VALUE]..., a context for each, until its file is there."""

import os
import sys
import time

from pyspark import SparkConf, SparkContext

for turn, settings in enumerate(sys.argv[2:]):
    conf = SparkConf().setAppName("refused").setAll([setting.split("=", 1) for setting in settings.split(";")])
    context = SparkContext(conf=conf)
    print(f"context <{turn}>", flush=True)
    while not os.path.exists(os.path.join(sys.argv[1], str(turn))):
        time.sleep(0.05)
    context.stop()
