/** The frame around every page: it shows one view at a time, announces what changed, and shows when Intercept is lost. */

/** The view that is shown now, until the next one is. */
export interface View {
  /** Repeats something for as long as this view is shown. */
  every(ms: number, work: () => void): void;
  isShown(): boolean;
}

export interface Frame {
  /** Announces it to those who listen. */
  announce(text: string): void;
  /** Shows a new view, and ends what the one before had planned. The focus goes to `focus`, else to the heading. */
  show(title: string, nodes: readonly Node[], focus?: HTMLElement): View;
  /** The view that is shown now. */
  current(): View | undefined;
  setSignedIn(signedIn: boolean): void;
  setLost(lost: boolean): void;
}

/** Takes hold of the document's frame. */
export function openFrame(onSignOut: () => void): Frame {
  const main = part('main');
  const signOut = part('sign-out');
  const announced = part('announced');
  const lost = part('lost');
  let timers: number[] = [];
  let current: View | undefined;
  signOut.addEventListener('click', onSignOut);
  return {
    announce(text) {
      announced.textContent = '';
      // What is set at once is not always read.
      window.setTimeout(() => {
        announced.textContent = text;
      }, 50);
    },
    show(title, nodes, focus) {
      for (const timer of timers) clearInterval(timer);
      timers = [];
      document.title = `${title} · Intercept`;
      main.replaceChildren(...nodes);
      (focus ?? main.querySelector('h1'))?.focus();
      const view: View = {
        every(ms, work) {
          if (view.isShown()) timers.push(window.setInterval(work, ms));
        },
        isShown: () => current === view,
      };
      current = view;
      return view;
    },
    current: () => current,
    setSignedIn(signedIn) {
      signOut.hidden = !signedIn;
    },
    setLost(isLost) {
      lost.hidden = !isLost;
    },
  };
}

function part(id: string): HTMLElement {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the document has no #${id}`);
  return node;
}
