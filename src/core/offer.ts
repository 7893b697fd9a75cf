/** A payment challenge asks for this, whichever protocol it came by (policy.md §8). */

/** One way to pay. A member that could not be read is undefined: such an offer has no price. */
export interface Offer {
  readonly protocol: 'mpp' | 'x402';
  /** MPP's intent, x402's scheme. Only `charge` and `exact` name what will be paid. */
  readonly intent: string | undefined;
  /** A currency code, or the token as the challenge names it. */
  readonly asset: string | undefined;
  /** In the asset's smallest unit, as text. */
  readonly amount: string | undefined;
  /** Alike for the offer and for the credential that pays it. */
  readonly key: string;
  /** Epoch ms from which nobody need honour it, where it says so. */
  readonly expiresAt: number | undefined;
  /** True where what pays it leaves open how much that is; undefined while nothing pays it. */
  readonly isUnread?: boolean | undefined;
}

/** An address is the same in whatever case its digits are written. */
export function assetName(asset: string): string {
  return /^0x/i.test(asset) ? asset.toLowerCase() : asset;
}
