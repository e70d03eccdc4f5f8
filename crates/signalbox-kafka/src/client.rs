//! What the clients report, and what their errors mean.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use signalbox_log::{LogError, Shard};

use crate::threads;

/// What all clients of a log report to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reports {
    /// Why the brokers do not let us in. The library only says so beside the call, which then times out.
    refusal: Arc<Mutex<Option<Refused>>>,
}

/// The brokers answer, but not to us.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the brokers refuse this client: {0}")]
struct Refused(String);

/// What a client does with what librdkafka says: log lines go to `tracing`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    pub(crate) reports: Reports,
}

/// A client, which blocks while it ends (sometimes for long): it ends on a thread of its own.
#[derive(Debug)]
pub(crate) struct Client<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> Client<T> {
    pub(crate) fn new(client: T) -> Self {
        Self(Some(client))
    }
}

impl<T: Send + 'static> Deref for Client<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("only drop takes it")
    }
}

impl<T: Send + 'static> Drop for Client<T> {
    fn drop(&mut self) {
        let client = self.0.take();
        // Where no thread is to be had it ends here.
        drop(threads::begin("kafka client ends", move || drop(client)));
    }
}

impl Reports {
    pub(crate) fn refused(&self, reason: &str) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(Refused(reason.to_owned()));
    }

    /// A call was answered.
    pub(crate) fn answered(&self) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What an error of a call means. A refusal explains a call that got no answer.
    pub(crate) fn explain(&self, error: KafkaError) -> LogError {
        let refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (log_error(error), refusal) {
            (LogError::Unavailable(_), Some(refused)) => LogError::Failed(Box::new(refused)),
            (error, _) => error,
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(facility, "kafka: {message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(facility, "kafka: {message}"),
            RDKafkaLogLevel::Debug => tracing::debug!(facility, "kafka: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if is_refusal(&error) {
            self.reports.refused(reason);
        }
        tracing::debug!(%error, reason, "kafka client error");
    }
}

impl ConsumerContext for Context {}

/// Whether the brokers do not let us in: a wrong password, a certificate that is not believed.
pub(crate) fn is_refusal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(Code::Authentication | Code::SSL | Code::SaslAuthenticationFailed)
    )
}

/// What an error of the library means, where no topic or shard is at fault.
pub(crate) fn log_error(error: KafkaError) -> LogError {
    let code = error.rdkafka_error_code().or(match error {
        KafkaError::AdminOp(code) => Some(code),
        _ => None,
    });
    if code.is_some_and(may_pass) {
        LogError::Unavailable(Box::new(error))
    } else if matches!(
        code,
        Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::InvalidMessage)
    ) {
        LogError::Unfit(Box::new(error))
    } else {
        LogError::Failed(Box::new(error))
    }
}

/// As [`log_error`], for a call about one shard.
pub(crate) fn shard_error(error: KafkaError, topic: &str, shard: Shard) -> LogError {
    match error.rdkafka_error_code() {
        Some(
            Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopicId
            | Code::InvalidTopic,
        ) => LogError::NoSuchShard { topic: topic.to_owned(), shard },
        _ => log_error(error),
    }
}

/// Whether the same call may succeed later.
fn may_pass(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue
            | Code::RequestTimedOut
            | Code::QueueFull
            | Code::PurgeQueue
            | Code::PurgeInflight
            | Code::InProgress
            | Code::PreviousInProgress
            | Code::WaitingForCoordinator
            | Code::WaitCache
            | Code::Interrupted
            | Code::Retry
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::NetworkException
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotController
            | Code::KafkaStorageError
            | Code::ThrottlingQuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_may_pass_is_unavailable() {
        let meaning = |code| log_error(KafkaError::MetadataFetch(code));
        assert!(matches!(meaning(Code::AllBrokersDown), LogError::Unavailable(_)));
        assert!(matches!(meaning(Code::NotEnoughReplicas), LogError::Unavailable(_)));
        assert!(matches!(meaning(Code::TopicAuthorizationFailed), LogError::Failed(_)));
        assert!(matches!(meaning(Code::MessageSizeTooLarge), LogError::Unfit(_)));
    }

    #[test]
    fn a_refusal_explains_a_call_without_an_answer() {
        let reports = Reports::default();
        let timed_out = || KafkaError::MetadataFetch(Code::OperationTimedOut);
        assert!(matches!(reports.explain(timed_out()), LogError::Unavailable(_)));
        reports.refused("SASL authentication error");
        assert!(matches!(reports.explain(timed_out()), LogError::Failed(_)));
        reports.answered();
        assert!(matches!(reports.explain(timed_out()), LogError::Unavailable(_)));
    }
}
