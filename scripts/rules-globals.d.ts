// What a rule may see of its surroundings beside the language itself: no process, no timers, no console, no DOM.
// Keys and hashes of the Holepunch packages are Buffers; to a rule they are plain bytes.
interface Buffer extends Uint8Array {}
