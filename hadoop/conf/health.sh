#!/usr/bin/env bash
# Health check of an HDFS container: health.sh namenode|datanode.
# Asks the daemon's own JMX page with bash alone: a Hadoop client would start a JVM every few seconds.
set -uo pipefail

page() { # page PORT QUERY
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET /jmx?qry=%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
  timeout 5 cat <&3
}

case "${1:-}" in
  namenode)  # out of safe mode: a DataNode is there and writes work
    page 9870 Hadoop:service=NameNode,name=NameNodeInfo | grep -q '"Safemode" : ""' \
      || { echo "the NameNode is in safe mode or does not answer"; exit 1; } ;;
  datanode)  # the NameNode counts it among the living: its last heartbeat is a moment old
    page 9864 Hadoop:service=DataNode,name=DataNodeInfo | tr -d '\\' | grep -Eq '"LastHeartbeat":"?[0-9]"?[,}]' \
      || { echo "the NameNode has not heard from this DataNode for 10 s"; exit 1; } ;;
  *) echo "usage: health.sh namenode|datanode"; exit 2 ;;
esac
