//! Our words for librdkafka's, and back.

use rdkafka::bindings::{
    rd_kafka_AclOperation_t as COperation, rd_kafka_AclPermissionType_t as CPermission,
    rd_kafka_ResourcePatternType_t as CPattern, rd_kafka_ResourceType_t as CResource,
};

use super::super::{Operation, Pattern, Permission, Resource};

const OPERATIONS: [(Operation, COperation); 11] = [
    (Operation::All, COperation::RD_KAFKA_ACL_OPERATION_ALL),
    (Operation::Read, COperation::RD_KAFKA_ACL_OPERATION_READ),
    (Operation::Write, COperation::RD_KAFKA_ACL_OPERATION_WRITE),
    (Operation::Create, COperation::RD_KAFKA_ACL_OPERATION_CREATE),
    (Operation::Delete, COperation::RD_KAFKA_ACL_OPERATION_DELETE),
    (Operation::Alter, COperation::RD_KAFKA_ACL_OPERATION_ALTER),
    (Operation::Describe, COperation::RD_KAFKA_ACL_OPERATION_DESCRIBE),
    (Operation::ClusterAction, COperation::RD_KAFKA_ACL_OPERATION_CLUSTER_ACTION),
    (Operation::DescribeConfigs, COperation::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS),
    (Operation::AlterConfigs, COperation::RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS),
    (Operation::IdempotentWrite, COperation::RD_KAFKA_ACL_OPERATION_IDEMPOTENT_WRITE),
];

pub(super) fn operation(ours: Operation) -> COperation {
    let found = OPERATIONS.into_iter().find(|(operation, _)| *operation == ours);
    found.map(|(_, theirs)| theirs).expect("the table has every operation")
}

pub(super) fn to_operation(theirs: COperation) -> Option<Operation> {
    OPERATIONS.into_iter().find(|(_, operation)| *operation == theirs).map(|(ours, _)| ours)
}

pub(super) fn resource(ours: Resource) -> CResource {
    match ours {
        Resource::Topic => CResource::RD_KAFKA_RESOURCE_TOPIC,
        Resource::Group => CResource::RD_KAFKA_RESOURCE_GROUP,
    }
}

pub(super) fn to_resource(theirs: CResource) -> Option<Resource> {
    match theirs {
        CResource::RD_KAFKA_RESOURCE_TOPIC => Some(Resource::Topic),
        CResource::RD_KAFKA_RESOURCE_GROUP => Some(Resource::Group),
        _ => None,
    }
}

pub(super) fn pattern(ours: Pattern) -> CPattern {
    match ours {
        Pattern::Literal => CPattern::RD_KAFKA_RESOURCE_PATTERN_LITERAL,
        Pattern::Prefixed => CPattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED,
    }
}

pub(super) fn to_pattern(theirs: CPattern) -> Option<Pattern> {
    match theirs {
        CPattern::RD_KAFKA_RESOURCE_PATTERN_LITERAL => Some(Pattern::Literal),
        CPattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED => Some(Pattern::Prefixed),
        _ => None,
    }
}

pub(super) fn permission(ours: Permission) -> CPermission {
    match ours {
        Permission::Allow => CPermission::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
        Permission::Deny => CPermission::RD_KAFKA_ACL_PERMISSION_TYPE_DENY,
    }
}

pub(super) fn to_permission(theirs: CPermission) -> Option<Permission> {
    match theirs {
        CPermission::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW => Some(Permission::Allow),
        CPermission::RD_KAFKA_ACL_PERMISSION_TYPE_DENY => Some(Permission::Deny),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kafka's own codes (`org.apache.kafka.common.acl`, `…resource`): these are what the brokers go by.
    #[test]
    fn the_codes_are_kafkas() {
        assert_eq!([Resource::Topic, Resource::Group].map(|one| resource(one) as u32), [2, 3]);
        assert_eq!([Pattern::Literal, Pattern::Prefixed].map(|one| pattern(one) as u32), [3, 4]);
        assert_eq!([Permission::Deny, Permission::Allow].map(|one| permission(one) as u32), [2, 3]);
        assert_eq!(OPERATIONS.map(|(ours, _)| operation(ours) as u32), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    }

    #[test]
    fn every_word_comes_back() {
        for (ours, theirs) in OPERATIONS {
            assert_eq!(to_operation(theirs), Some(ours));
        }
        assert_eq!(to_operation(COperation::RD_KAFKA_ACL_OPERATION_UNKNOWN), None);
        assert_eq!(to_pattern(CPattern::RD_KAFKA_RESOURCE_PATTERN_ANY), None);
    }
}
