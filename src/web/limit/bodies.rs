//! Whose bodies are waited for. A request holds its place while its body comes, so that one address with half-sent bodies
//! could hold them all: it may be waited for at an eighth of the places, and one more is turned away at once.
//!
//! A body that is there when it is read, as most are, is never counted and costs nothing but being asked once more.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use hyper::body::{Frame, SizeHint};

use super::address::Address;
use super::at_once::{AtOnce, Held};

/// The part of all places at which one address may be waited for.
const PART: usize = 8;

/// How many bodies of each address are waited for: all together never more than there are places.
#[derive(Debug, Clone)]
pub struct Bodies {
    waiting: AtOnce<Address>,
}

/// Whether a request was given up because too many bodies of its address are waited for.
#[derive(Debug, Clone)]
pub struct Crowded(Arc<AtomicBool>);

/// A body that counts while it is waited for.
struct Counted {
    body: Body,
    bodies: Bodies,
    address: Address,
    held: Option<Held<Address>>,
    crowded: Crowded,
}

impl Bodies {
    /// Of so many places for requests.
    pub fn new(places: usize) -> Self {
        Self { waiting: AtOnce::new((places / PART).max(1)) }
    }

    /// The same request, whose body counts for `address` while it is waited for, and which says in its extensions
    /// ([`Crowded`]) if it was given up.
    pub fn watch(&self, address: Address, request: Request) -> Request {
        let crowded = Crowded(Arc::default());
        let mut request = request.map(|body| {
            let (bodies, crowded) = (self.clone(), crowded.clone());
            Body::new(Counted { body, bodies, address, held: None, crowded })
        });
        request.extensions_mut().insert(crowded);
        request
    }
}

impl Crowded {
    /// Whether it was.
    pub fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            if this.body.is_end_stream() || !matches!(frame, Some(Ok(_))) {
                this.held = None;
            }
            return Poll::Ready(frame);
        }
        if this.held.is_none() {
            this.held = this.bodies.waiting.take(&this.address);
        }
        if this.held.is_some() {
            return Poll::Pending;
        }
        this.crowded.0.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new("too many bodies of this address are waited for"))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::mpsc;

    use super::*;

    type Sender = mpsc::Sender<Result<Bytes, std::io::Error>>;

    fn address(number: u8) -> Address {
        Address::of([192, 0, 2, number].into())
    }

    /// A request whose body comes when the test says.
    fn slow(bodies: &Bodies, number: u8) -> (Sender, Request) {
        let (sender, receiver) = mpsc::channel(4);
        let body = Body::from_stream(futures_util::stream::unfold(receiver, async |mut receiver| {
            Some((receiver.recv().await?, receiver))
        }));
        (sender, bodies.watch(address(number), Request::new(body)))
    }

    async fn frame(request: &mut Request) -> Option<Result<Frame<Bytes>, axum::Error>> {
        std::future::poll_fn(|cx| Pin::new(request.body_mut()).poll_frame(cx)).await
    }

    fn crowded(request: &Request) -> Crowded {
        request.extensions().get::<Crowded>().unwrap().clone()
    }

    /// Whether an address that may be waited for once is.
    fn is_waited_for(bodies: &Bodies) -> bool {
        bodies.waiting.take(&address(1)).is_none()
    }

    #[test]
    fn an_address_is_waited_for_so_often_and_another_one_too() {
        let bodies = Bodies::new(16);
        let mut waiting: Vec<_> = [1, 1, 2].map(|number| slow(&bodies, number)).into();
        for (_, request) in &mut waiting {
            assert!(frame(request).now_or_never().is_none());
        }
        let (_sender, mut third) = slow(&bodies, 1);
        assert!(frame(&mut third).now_or_never().unwrap().unwrap().is_err(), "at once");
        assert!(crowded(&third).is_so() && !crowded(&waiting[0].1).is_so());
        drop(waiting);
        let (_sender, mut next) = slow(&bodies, 1);
        assert!(frame(&mut next).now_or_never().is_none(), "what is dropped is no longer waited for");
    }

    #[tokio::test]
    async fn a_body_counts_until_its_last_byte_is_there_and_one_that_is_there_never_does() {
        let bodies = Bodies::new(8);
        let mut ready = bodies.watch(address(1), Request::new(Body::from("all of it")));
        assert!(frame(&mut ready).now_or_never().unwrap().unwrap().is_ok());
        assert!(!is_waited_for(&bodies));
        let (sender, mut request) = slow(&bodies, 1);
        assert!(frame(&mut request).now_or_never().is_none());
        sender.send(Ok(Bytes::from_static(b"half"))).await.unwrap();
        assert!(frame(&mut request).await.unwrap().is_ok());
        assert!(is_waited_for(&bodies), "half a body is still waited for");
        drop(sender);
        assert!(frame(&mut request).await.is_none());
        assert!(!is_waited_for(&bodies));
    }

    #[test]
    fn however_few_places_there_are_each_address_may_be_waited_for_once() {
        let bodies = Bodies::new(1);
        let (_sender, mut request) = slow(&bodies, 1);
        assert!(frame(&mut request).now_or_never().is_none());
    }
}
