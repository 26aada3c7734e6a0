// How much of the house's store is taken, as the member says that was asked. Pure types.

export interface StoreRoom {
  /** Of its file. */
  readonly dbBytes: number;
  /** The rest of the file is free. */
  readonly dbInUseBytes: number;
  /** With a file of this size no write is taken. */
  readonly dbMaxBytes: number;
  /** Nothing is written until room was made. */
  readonly isFull: boolean;
}
