"""Reads topics to their ends with a Kafka client and the CloudEvents package of other people.

    read_events.py BROKER TOPIC...

Prints one JSON object a line: where the record was, its key, and the event that the package made of it.
"""

import json
import sys

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2


def records(broker, topic):
    consumer = KafkaConsumer(
        bootstrap_servers=broker, enable_auto_commit=False, api_version_auto_timeout_ms=30_000
    )
    shards = [TopicPartition(topic, shard) for shard in sorted(consumer.partitions_for_topic(topic))]
    ends = consumer.end_offsets(shards)
    consumer.assign(shards)
    consumer.seek_to_beginning(*shards)
    while any(consumer.position(shard) < ends[shard] for shard in shards):
        for page in consumer.poll(timeout_ms=1000).values():
            for record in page:
                yield record, len(shards)
    consumer.close()


def read(record, shards):
    headers = dict(record.headers)
    event = from_binary_event(KafkaMessage(headers=headers, key=record.key, value=record.value))
    attributes = event.get_attributes()
    attributes["time"] = attributes["time"].isoformat()
    return {
        "topic": record.topic,
        "shard": record.partition,
        "key": record.key.decode(),
        "partitionkey_header": headers["ce_partitionkey"].decode(),
        # Where a producer of other people would put a record of this key.
        "shard_of_key": (murmur2(record.key) & 0x7FFFFFFF) % shards,
        "attributes": attributes,
        "data": event.get_data(),
    }


def main(broker, *topics):
    for topic in topics:
        for record, shards in records(broker, topic):
            print(json.dumps(read(record, shards)))


main(*sys.argv[1:])
