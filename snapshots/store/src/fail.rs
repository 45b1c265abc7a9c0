//! Places where a test may make a write fail. Outside tests they are nothing.

#[cfg(test)]
use std::sync::Arc;

/// Asked before every write that is not an object put.
#[derive(Clone, Default)]
pub(crate) struct Fail {
    #[cfg(test)]
    pub(crate) hook: Option<Arc<Hook>>,
}

/// Says whether the write named by the text may happen.
#[cfg(test)]
pub(crate) type Hook = dyn Fn(&'static str) -> std::io::Result<()> + Send + Sync;

impl Fail {
    #[cfg(test)]
    pub(crate) fn hit(&self, point: &'static str) -> std::io::Result<()> {
        self.hook.as_ref().map_or(Ok(()), |hook| hook(point))
    }

    #[cfg(not(test))]
    #[inline]
    #[allow(clippy::unnecessary_wraps, reason = "the test build fails here")]
    pub(crate) fn hit(&self, _: &'static str) -> std::io::Result<()> {
        Ok(())
    }
}
