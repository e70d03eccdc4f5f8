//! The C calls. What librdkafka makes is destroyed with the value that holds it; what it lends lives as long as that.
//!
//! Its enumerations are enumerations in Rust too. That is sound because it checks the codes that brokers send, and
//! replaces those that it does not know (`rd_kafka_DescribeAclsResponse_parse`).
#![expect(unsafe_code, reason = "calls C functions; see the crate's documentation")]

mod words;

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::admin::AdminClient;
use rdkafka::bindings as c;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};

use super::{Entry, Operation, Resource};

/// How much longer than the library we wait for the answer that it gives at the latest when its own time is over.
const GRACE: Duration = Duration::from_secs(2);

/// For messages of the C functions that make something.
const ERROR_BYTES: usize = 512;

/// What this user may do with the cluster.
pub(crate) fn rights<C: ClientContext>(
    client: &AdminClient<C>,
    timeout: Duration,
) -> KafkaResult<Vec<Operation>> {
    let options = Options::new(client, c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER, timeout)?;
    options.include_rights()?;
    let answer = ask(client, &options, timeout, |call| {
        // SAFETY: the three pointers are alive until `ask` returns; the function keeps none of them.
        unsafe { c::rd_kafka_DescribeCluster(call.client, call.options, call.queue) };
    })?;
    // SAFETY: the event is alive; the result is the same event seen otherwise, or null for one of another kind.
    let result = unsafe { c::rd_kafka_event_DescribeCluster_result(answer.0.as_ptr()) };
    let result = NonNull::new(result.cast_mut()).ok_or_else(no_answer)?;
    let mut count = 0;
    // SAFETY: the result is alive with its event, and `count` is written before the call returns.
    let first =
        unsafe { c::rd_kafka_DescribeCluster_result_authorized_operations(result.as_ptr(), &raw mut count) };
    // SAFETY: the function returns an array of `count` operations that lives as long as the event.
    let operations = unsafe { lent(first, count) };
    Ok(operations.iter().filter_map(|operation| words::to_operation(*operation)).collect())
}

pub(crate) fn describe<C: ClientContext>(
    client: &AdminClient<C>,
    resource: Resource,
    timeout: Duration,
) -> KafkaResult<Vec<Entry>> {
    let filter = Binding::filter(resource)?;
    let options = Options::new(client, c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBEACLS, timeout)?;
    let answer = ask(client, &options, timeout, |call| {
        // SAFETY: all four pointers are alive until `ask` returns; the function keeps none of them.
        unsafe { c::rd_kafka_DescribeAcls(call.client, filter.0.as_ptr(), call.options, call.queue) };
    })?;
    // SAFETY: as in `rights`.
    let result = unsafe { c::rd_kafka_event_DescribeAcls_result(answer.0.as_ptr()) };
    let result = NonNull::new(result.cast_mut()).ok_or_else(no_answer)?;
    let mut count = 0;
    // SAFETY: as in `rights`.
    let first = unsafe { c::rd_kafka_DescribeAcls_result_acls(result.as_ptr(), &raw mut count) };
    // SAFETY: the function returns an array of `count` pointers that lives as long as the event.
    let bindings = unsafe { lent(first, count) };
    // SAFETY: each is a binding that lives as long as the event.
    Ok(bindings.iter().filter_map(|binding| unsafe { entry(*binding) }).collect())
}

pub(crate) fn create<C: ClientContext>(
    client: &AdminClient<C>,
    entries: &[Entry],
    timeout: Duration,
) -> KafkaResult<()> {
    let bindings = entries.iter().map(Binding::new).collect::<KafkaResult<Vec<_>>>()?;
    let mut pointers: Vec<_> = bindings.iter().map(|binding| binding.0.as_ptr()).collect();
    let options = Options::new(client, c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATEACLS, timeout)?;
    let answer = ask(client, &options, timeout, |call| {
        let (first, count) = (pointers.as_mut_ptr(), pointers.len());
        // SAFETY: the array has `count` living bindings, which the function copies; the other pointers are alive.
        unsafe { c::rd_kafka_CreateAcls(call.client, first, count, call.options, call.queue) };
    })?;
    // SAFETY: as in `rights`.
    let result = unsafe { c::rd_kafka_event_CreateAcls_result(answer.0.as_ptr()) };
    let result = NonNull::new(result.cast_mut()).ok_or_else(no_answer)?;
    let mut count = 0;
    // SAFETY: as in `rights`.
    let first = unsafe { c::rd_kafka_CreateAcls_result_acls(result.as_ptr(), &raw mut count) };
    // SAFETY: the function returns an array of `count` pointers that lives as long as the event.
    let results = unsafe { lent(first, count) };
    for result in results {
        // SAFETY: the result lives as long as the event; so does its error, which is null when there is none.
        let error = unsafe { c::rd_kafka_acl_result_error(*result) };
        // SAFETY: the function takes null, which is no error.
        check(unsafe { c::rd_kafka_error_code(error) })?;
    }
    Ok(())
}

/// What every call takes.
struct Call {
    client: *mut c::rd_kafka_t,
    options: *const c::rd_kafka_AdminOptions_t,
    queue: *mut c::rd_kafka_queue_t,
}

/// Makes a call and waits for its answer.
fn ask<C: ClientContext>(
    client: &AdminClient<C>,
    options: &Options,
    timeout: Duration,
    make: impl FnOnce(&Call),
) -> KafkaResult<Event> {
    let native = client.inner().native_ptr();
    // SAFETY: the client is alive: `client` is borrowed.
    let queue = Queue(NonNull::new(unsafe { c::rd_kafka_queue_new(native) }).ok_or_else(no_answer)?);
    make(&Call { client: native, options: options.0.as_ptr(), queue: queue.0.as_ptr() });
    // SAFETY: the queue is alive.
    let event = unsafe { c::rd_kafka_queue_poll(queue.0.as_ptr(), millis(timeout + GRACE)) };
    let event = Event(NonNull::new(event).ok_or_else(no_answer)?);
    // SAFETY: the event is alive.
    check(unsafe { c::rd_kafka_event_error(event.0.as_ptr()) })?;
    Ok(event)
}

/// The answer to a call.
struct Event(NonNull<c::rd_kafka_event_t>);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: it came from the queue, is ours, and is destroyed once.
        unsafe { c::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}

/// Where the answer arrives.
struct Queue(NonNull<c::rd_kafka_queue_t>);

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: it was made by us and is destroyed once; an answer that comes later finds it closed.
        unsafe { c::rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

struct Options(NonNull<c::rd_kafka_AdminOptions_t>);

impl Options {
    fn new<C: ClientContext>(
        client: &AdminClient<C>,
        operation: c::rd_kafka_admin_op_t,
        timeout: Duration,
    ) -> KafkaResult<Self> {
        // SAFETY: the client is alive: it is borrowed.
        let options = unsafe { c::rd_kafka_AdminOptions_new(client.inner().native_ptr(), operation) };
        let options = Self(NonNull::new(options).ok_or_else(no_answer)?);
        let mut error = [0; ERROR_BYTES];
        // SAFETY: the options are alive, and `error` has as many bytes as is said.
        let set = unsafe {
            c::rd_kafka_AdminOptions_set_request_timeout(
                options.0.as_ptr(),
                millis(timeout),
                error.as_mut_ptr(),
                ERROR_BYTES,
            )
        };
        check(set)?;
        Ok(options)
    }

    /// The answer is to say what this user may do.
    fn include_rights(&self) -> KafkaResult<()> {
        // SAFETY: the options are alive.
        let error = unsafe { c::rd_kafka_AdminOptions_set_include_authorized_operations(self.0.as_ptr(), 1) };
        // SAFETY: the function takes null, which is no error.
        let code = unsafe { c::rd_kafka_error_code(error) };
        // SAFETY: the error is ours, and destroyed once; the function takes null.
        unsafe { c::rd_kafka_error_destroy(error) };
        check(code)
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: they were made by us and are destroyed once.
        unsafe { c::rd_kafka_AdminOptions_destroy(self.0.as_ptr()) }
    }
}

/// An entry, or a filter of entries, as librdkafka keeps it.
struct Binding(NonNull<c::rd_kafka_AclBinding_t>);

impl Binding {
    fn new(entry: &Entry) -> KafkaResult<Self> {
        let text = |text: &str| CString::new(text).map_err(KafkaError::Nul);
        let (name, principal, host) = (text(&entry.name)?, text(&entry.principal)?, text(&entry.host)?);
        let mut error = [0; ERROR_BYTES];
        // SAFETY: the three texts end with a zero and outlive the call, which copies them; `error` has as many bytes as
        // is said.
        let binding = unsafe {
            c::rd_kafka_AclBinding_new(
                words::resource(entry.resource),
                name.as_ptr(),
                words::pattern(entry.pattern),
                principal.as_ptr(),
                host.as_ptr(),
                words::operation(entry.operation),
                words::permission(entry.permission),
                error.as_mut_ptr(),
                ERROR_BYTES,
            )
        };
        NonNull::new(binding).map(Self).ok_or_else(|| unusable(&error))
    }

    /// Every entry about such a resource.
    fn filter(resource: Resource) -> KafkaResult<Self> {
        let mut error = [0; ERROR_BYTES];
        // SAFETY: a null text matches every text; `error` has as many bytes as is said.
        let filter = unsafe {
            c::rd_kafka_AclBindingFilter_new(
                words::resource(resource),
                ptr::null(),
                c::rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_ANY,
                ptr::null(),
                ptr::null(),
                c::rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_ANY,
                c::rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
                error.as_mut_ptr(),
                ERROR_BYTES,
            )
        };
        NonNull::new(filter).map(Self).ok_or_else(|| unusable(&error))
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        // SAFETY: it was made by us and is destroyed once.
        unsafe { c::rd_kafka_AclBinding_destroy(self.0.as_ptr()) }
    }
}

/// `None`: of a kind that this version does not know.
///
/// # Safety
/// `binding` points to a living binding.
unsafe fn entry(binding: *const c::rd_kafka_AclBinding_t) -> Option<Entry> {
    // SAFETY: the binding is alive, here and below; what it lends is copied before this function returns.
    let resource = unsafe { c::rd_kafka_AclBinding_restype(binding) };
    // SAFETY: as above.
    let pattern = unsafe { c::rd_kafka_AclBinding_resource_pattern_type(binding) };
    // SAFETY: as above.
    let operation = unsafe { c::rd_kafka_AclBinding_operation(binding) };
    // SAFETY: as above.
    let permission = unsafe { c::rd_kafka_AclBinding_permission_type(binding) };
    // SAFETY: as above.
    let name = unsafe { c::rd_kafka_AclBinding_name(binding) };
    // SAFETY: as above.
    let principal = unsafe { c::rd_kafka_AclBinding_principal(binding) };
    // SAFETY: as above.
    let host = unsafe { c::rd_kafka_AclBinding_host(binding) };
    Some(Entry {
        resource: words::to_resource(resource)?,
        pattern: words::to_pattern(pattern)?,
        // SAFETY: null or a text of the binding, which is alive.
        name: unsafe { text(name) }?,
        // SAFETY: as above.
        principal: unsafe { text(principal) }?,
        // SAFETY: as above.
        host: unsafe { text(host) }?,
        operation: words::to_operation(operation)?,
        permission: words::to_permission(permission)?,
    })
}

/// # Safety
/// `text` is null or points to a text that ends with a zero and lives while this function runs.
unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: it is not null, and the caller vouches for the rest.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// An array that librdkafka lends; it may be null when it is empty.
///
/// # Safety
/// `first` is null, or points to `count` values that live for `'a`.
unsafe fn lent<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if first.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller vouches for it.
    unsafe { std::slice::from_raw_parts(first, count) }
}

fn check(code: c::rd_kafka_resp_err_t) -> KafkaResult<()> {
    match Code::from(code) {
        Code::NoError => Ok(()),
        code => Err(KafkaError::AdminOp(code)),
    }
}

fn no_answer() -> KafkaError {
    KafkaError::AdminOp(Code::OperationTimedOut)
}

/// The library does not take an entry, and wrote why.
fn unusable(error: &[c_char; ERROR_BYTES]) -> KafkaError {
    let bytes: Vec<u8> = error.iter().map(|byte| byte.cast_unsigned()).collect();
    let why = CStr::from_bytes_until_nul(&bytes).map(CStr::to_string_lossy).unwrap_or_default();
    KafkaError::AdminOpCreation(why.into_owned())
}

fn millis(time: Duration) -> c_int {
    c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX)
}
