//! The peer iceoryx2: publish-subscribe of one entry a sample, encoded in the loaned memory itself.
//!
//! A subscriber's buffer is as deep as a lane of orbus, and overwrites the oldest as that does. Like
//! the other queues in shared memory it is looked at every millisecond. Everything that iceoryx2
//! keeps lies in a folder of the run, and under the run's name in /dev/shm.

use core::cell::RefCell;
use core::ffi::{CStr, c_char, c_int};
use core::mem::MaybeUninit;
use core::time::Duration;
use iceoryx2::config::Config;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;

const DEPTH: usize = 4096;

#[repr(C)]
#[derive(Debug, ZeroCopySend)]
pub struct Entry {
    length: u32,
    bytes: [u8; 252],
}

type Factory = PortFactory<ipc::Service, Entry, ()>;

struct Sender {
    publisher: Publisher<ipc::Service, Entry, ()>,
    _service: Factory,
    _node: Node<ipc::Service>,
}

thread_local! {
    static SENDER: RefCell<Option<Sender>> = const { RefCell::new(None) };
}

unsafe extern "C" {
    fn run_name() -> *const c_char;
    fn sample_pack(out: *mut u8) -> usize;
    fn received(bytes: *const u8, length: usize);
}

fn name() -> String {
    unsafe { CStr::from_ptr(run_name()) }.to_string_lossy().into_owned()
}

fn folder() -> String {
    format!("/tmp/{}.iceoryx2", name())
}

fn prefix() -> String {
    format!("{}_", name())
}

fn open() -> Result<(Node<ipc::Service>, Factory), Box<dyn core::error::Error>> {
    let mut config = Config::default();
    config.global.prefix = FileName::new(prefix().as_bytes())?;
    config.global.set_root_path(&Path::new(folder().as_bytes())?);
    let node = NodeBuilder::new()
        .config(&config)
        .signal_handling_mode(SignalHandlingMode::Disabled)
        .create::<ipc::Service>()?;
    let service = node
        .service_builder(&"samples".try_into()?)
        .publish_subscribe::<Entry>()
        .subscriber_max_buffer_size(DEPTH)
        .max_publishers(1)
        .max_subscribers(1)
        .enable_safe_overflow(true)
        .open_or_create()?;
    Ok((node, service))
}

fn receive_for_ever() -> Result<(), Box<dyn core::error::Error>> {
    let (_node, service) = open()?;
    let subscriber = service.subscriber_builder().create()?;
    loop {
        while let Some(sample) = subscriber.receive()? {
            unsafe { received(sample.bytes.as_ptr(), sample.length as usize) };
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn send_one(sender: &Sender) -> Result<(), Box<dyn core::error::Error>> {
    let mut sample = sender.publisher.loan_uninit()?;
    let entry: &mut MaybeUninit<Entry> = sample.payload_mut();
    let at = entry.as_mut_ptr();
    unsafe { (*at).length = sample_pack((&raw mut (*at).bytes).cast()) as u32 };
    unsafe { sample.assume_init() }.send()?;
    Ok(())
}

/// In a child, until it is killed.
#[unsafe(no_mangle)]
pub extern "C" fn iceoryx2_drain() {
    if let Err(error) = receive_for_ever() {
        eprintln!("iceoryx2: {error}");
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn iceoryx2_connect() -> c_int {
    let opened = open().and_then(|(node, service)| {
        let publisher = service.publisher_builder().create()?;
        Ok(Sender { publisher, _service: service, _node: node })
    });
    match opened {
        Ok(sender) => {
            SENDER.with_borrow_mut(|s| *s = Some(sender));
            0
        }
        Err(error) => {
            eprintln!("iceoryx2: {error}");
            1
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn iceoryx2_send() {
    SENDER.with_borrow(|s| {
        if let Some(sender) = s {
            let _ = send_one(sender);
        }
    });
}

/// The reader was killed: what it left is taken away too.
#[unsafe(no_mangle)]
pub extern "C" fn iceoryx2_close() {
    drop(SENDER.take());
    let _ = std::fs::remove_dir_all(folder());
    for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
