//! Follows the frames of a WebSocket as their bytes go by, so that it is known what is coming before it has come.
//!
//! Nothing is judged here: what is against the protocol is found by the WebSocket library, which gets the same bytes.

/// The longest header: two bytes, eight of length, four of the mask.
const LONGEST_HEADER: usize = 14;

/// Where a connection is in its frames.
#[derive(Debug, Default)]
pub struct FrameHeaders {
    header: [u8; LONGEST_HEADER],
    /// Bytes of the header that have gone by.
    known: usize,
    /// Bytes of the payload that are still to come.
    payload: u64,
    /// What kind of frame the payload belongs to.
    kind: Kind,
    /// Payload of the fragments of the current message that have been announced so far.
    fragments: u64,
    /// A message has begun and not ended.
    is_in_message: bool,
}

/// What a frame is, for those who count its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Control,
    Fragment,
    Last,
}

/// What is at the beginning of the bytes that were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// So many bytes go by with it; never 0 unless there were none.
    pub bytes: usize,
    /// What they bring.
    pub brings: Brings,
}

/// What a few bytes bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brings {
    /// A part of a header or of a payload.
    More,
    /// The last byte of a header.
    Header(Announced),
    /// The end of a frame that is a message by itself, such as a ping.
    Control,
    /// The end of a fragment.
    Fragment,
    /// The end of a message.
    Message {
        /// So long it was.
        bytes: u64,
    },
}

/// What a header says of the message that its frame belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// Bytes of this frame.
    pub frame: u64,
    /// Bytes of the message up to the end of this frame; those of the frame where it stands for itself.
    pub message: u64,
    /// The message comes in pieces.
    pub is_in_pieces: bool,
    /// Nothing of the message comes after this frame.
    pub is_last: bool,
}

impl FrameHeaders {
    /// Bytes of the current payload that are still to come.
    pub fn to_come(&self) -> u64 {
        self.payload
    }

    /// A message has begun and not ended; there may be a control frame within it.
    pub fn is_in_message(&self) -> bool {
        self.is_in_message
    }

    /// What is next in these bytes. Nothing has gone by yet; see [`Self::pass`].
    ///
    /// A header's last byte is always a step of its own, so that it can be held back.
    pub fn next(&self, bytes: &[u8]) -> Step {
        if self.payload > 0 {
            let bytes = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
            let ends = bytes as u64 == self.payload;
            return Step { bytes, brings: if ends { self.end() } else { Brings::More } };
        }
        let mut header = self.header;
        let mut known = self.known;
        for (more, byte) in bytes.iter().enumerate() {
            if let Some(place) = header.get_mut(known) {
                *place = *byte;
            }
            known += 1;
            if known == length_of(&header, known) {
                return match more {
                    0 => Step { bytes: 1, brings: Brings::Header(self.announced(&header)) },
                    _ => Step { bytes: more, brings: Brings::More },
                };
            }
        }
        Step { bytes: bytes.len(), brings: Brings::More }
    }

    /// Lets a step go by that [`Self::next`] has just shown. A header with nothing behind it is an end at once, which
    /// is what comes back.
    pub fn pass(&mut self, bytes: &[u8], step: Step) -> Brings {
        match step.brings {
            Brings::Header(announced) => self.begin(announced),
            Brings::More if self.payload == 0 => {
                for byte in bytes.iter().take(step.bytes) {
                    if let Some(place) = self.header.get_mut(self.known) {
                        *place = *byte;
                    }
                    self.known += 1;
                }
                Brings::More
            }
            brings => {
                self.payload -= (step.bytes as u64).min(self.payload);
                self.go_beyond(brings)
            }
        }
    }

    fn begin(&mut self, announced: Announced) -> Brings {
        let [first, ..] = self.header;
        self.known = 0;
        self.payload = announced.frame;
        self.kind = match (is_control(first), is_final(first)) {
            (true, _) => Kind::Control,
            (false, true) => Kind::Last,
            (false, false) => Kind::Fragment,
        };
        if self.kind != Kind::Control {
            self.fragments = announced.message;
            self.is_in_message = true;
        }
        if self.payload > 0 {
            return Brings::Header(announced);
        }
        self.go_beyond(self.end())
    }

    /// What the end of the current frame brings.
    fn end(&self) -> Brings {
        match self.kind {
            Kind::Control => Brings::Control,
            Kind::Fragment => Brings::Fragment,
            Kind::Last => Brings::Message { bytes: self.fragments },
        }
    }

    fn go_beyond(&mut self, end: Brings) -> Brings {
        if let Brings::Message { .. } = end {
            self.fragments = 0;
            self.is_in_message = false;
        }
        end
    }

    fn announced(&self, header: &[u8; LONGEST_HEADER]) -> Announced {
        let [first, ..] = *header;
        let frame = payload_of(header);
        if is_control(first) {
            return Announced { frame, message: frame, is_in_pieces: false, is_last: true };
        }
        let (message, is_last) = (self.fragments.saturating_add(frame), is_final(first));
        Announced { frame, message, is_in_pieces: self.is_in_message || !is_last, is_last }
    }
}

fn is_final(first: u8) -> bool {
    first & 0x80 != 0
}

fn is_control(first: u8) -> bool {
    first & 0x08 != 0
}

/// How long the header is that begins so; the longest there is as long as that is not known.
fn length_of(header: &[u8; LONGEST_HEADER], known: usize) -> usize {
    let [_, second, ..] = *header;
    if known < 2 {
        return LONGEST_HEADER;
    }
    let length = match second & 0x7f {
        127 => 8,
        126 => 2,
        _ => 0,
    };
    let mask = if second & 0x80 != 0 { 4 } else { 0 };
    2 + length + mask
}

fn payload_of(header: &[u8; LONGEST_HEADER]) -> u64 {
    let [_, second, a, b, c, d, e, f, g, h, ..] = *header;
    match second & 0x7f {
        127 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
        126 => u64::from(u16::from_be_bytes([a, b])),
        short => u64::from(short),
    }
}
