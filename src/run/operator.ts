/** Who runs a command. */
import { userInfo } from 'node:os';

/** The operating system's name for whoever runs this; a container may have none. */
export function operator(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
