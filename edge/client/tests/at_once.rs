//! How many requests are under way at a time: several while there is much to read, and one while there is not.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_client::{Client, FeedOptions, Options};
use longshore_replica::InstancesAsk;
use serde_json::{Value, json};

/// Messages that a request brings at most. Source: SQS API reference.
const BATCH: usize = 10;

/// An endpoint that takes its time, so that requests meet.
#[derive(Debug, Default)]
struct Slow {
    /// Requests that read, now and at most.
    reading: AtomicUsize,
    most: AtomicUsize,
    /// Messages that are left to hand out.
    messages: Mutex<usize>,
    deleted: AtomicUsize,
}

impl Slow {
    fn reads(&self) {
        let now = self.reading.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(50));
        self.reading.fetch_sub(1, Ordering::SeqCst);
    }

    fn answer(&self, target: &str, asked: &Value) -> Value {
        match target.rsplit('.').next().unwrap() {
            "ReceiveMessage" => {
                self.reads();
                let mut left = self.messages.lock().unwrap();
                let many = BATCH.min(*left);
                *left -= many;
                let one = |at: usize| json!({"MessageId": "m", "ReceiptHandle": format!("r{at}"), "Body": "no event"});
                json!({"Messages": (0..many).map(one).collect::<Value>()})
            }
            "DeleteMessageBatch" => {
                let many = asked["Entries"].as_array().unwrap().len();
                self.deleted.fetch_add(many, Ordering::SeqCst);
                json!({"Successful": [], "Failed": []})
            }
            "DescribeContainerInstances" => {
                self.reads();
                let one = |arn: &Value| json!({"containerInstanceArn": arn, "status": "ACTIVE", "version": 1});
                let all = asked["containerInstances"].as_array().unwrap();
                json!({"containerInstances": all.iter().map(one).collect::<Value>(), "failures": []})
            }
            other => panic!("nobody asks for {other}"),
        }
    }

    fn serve(&self, mut socket: TcpStream) {
        let mut lines = BufReader::new(socket.try_clone().unwrap());
        let (mut target, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                if line.trim_end().is_empty() {
                    break;
                }
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "x-amz-target" => value.clone_into(&mut target),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).unwrap();
        let answer = self.answer(&target, &serde_json::from_slice(&body).unwrap()).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            answer.len()
        );
        // Who gave up does not read it.
        let _ = socket.write_all(format!("{head}{answer}").as_bytes());
    }

    async fn client(self: &Arc<Self>) -> (Client, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let slow = self.clone();
        // Ends with the test program.
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let slow = slow.clone();
                std::thread::spawn(move || slow.serve(socket));
            }
        });
        let options = Options {
            cluster: "default".to_owned(),
            endpoint: Some(url.clone()),
            region: Some("us-east-1".to_owned()),
            keys: Some(("key".to_owned(), "secret".to_owned())),
            budget: false,
        };
        (Client::new(options).await.unwrap(), url)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_received_by_four_requests_while_there_are_many_and_by_one_after_that() {
    let slow = Arc::new(Slow { messages: Mutex::new(40 * BATCH), ..Slow::default() });
    let (client, url) = slow.client().await;
    let queue = format!("{url}/123456789012/q");
    let mut feed = client.feed_of_all(FeedOptions { queue, makes: false });
    feed.open().await.unwrap();
    let mut receivers = feed.receivers();
    let mut got = 0;
    while got < 40 * BATCH {
        let batch = receivers.next().await.unwrap();
        got += batch.strange.len();
        receivers.delete(batch).await;
    }
    assert_eq!(slow.most.load(Ordering::SeqCst), 4);
    for _ in 0..4 {
        receivers.next().await.unwrap();
    }
    slow.most.store(0, Ordering::SeqCst);
    for _ in 0..3 {
        receivers.next().await.unwrap();
    }
    assert_eq!(slow.most.load(Ordering::SeqCst), 1);
    for _ in 0..100 {
        if slow.deleted.load(Ordering::SeqCst) == got {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} of {got} were deleted", slow.deleted.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_are_described_by_four_requests_and_told_in_their_order() {
    let slow = Arc::<Slow>::default();
    let (client, _) = slow.client().await;
    let arns: Vec<_> = (0..950).map(|at| format!("arn:{at}").as_str().into()).collect();
    let read = client.read_instances(&InstancesAsk::Describe(arns.clone())).await.unwrap();
    assert_eq!(read.into_iter().map(|one| one.arn).collect::<Vec<_>>(), arns);
    assert_eq!(slow.most.load(Ordering::SeqCst), 4);
}
