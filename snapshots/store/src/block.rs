//! Waiting for a future in a synchronous call.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::Handle;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for `future` on this thread.
///
/// Outside a runtime the one in `handle` drives it, if there is one. Inside one
/// the thread is parked, so somebody else must drive its network: this is not
/// for the threads of a single-threaded runtime. Local files need no driver.
pub(crate) fn block<F: Future>(handle: Option<&Handle>, future: F) -> F::Output {
    if let (Some(handle), Err(_)) = (handle, Handle::try_current()) {
        return handle.block_on(future);
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    // Without this the budget that tokio gives the calling task would end, and
    // polls would be refused for ever: the task does not get a new one from here.
    let mut future = pin!(tokio::task::unconstrained(future));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
