#!/bin/sh
# Starts a task manager of Flink in its sandbox: the script of this name is in Flink's archive, but not in its package on PyPI.
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" $JVM_ARGS --add-exports java.base/sun.net.util=ALL-UNNAMED \
    -Dlog4j.configurationFile="$FLINK_HOME/conf/log4j.properties" -cp "$FLINK_HOME/lib/*" \
    org.apache.flink.mesos.entrypoint.MesosTaskExecutorRunner "$@"
