/** Which addresses lead back to this machine. */
const LOOPBACK = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/;

/** Whether an address is this machine's own and reachable from nowhere else. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address);
}
