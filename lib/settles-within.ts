/** Whether `promise` settles within `time` ms; rejects as it does. */
export async function settlesWithin(time: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      // In a process that was busy, or suspended, the time may be over before it has read what had come long ago.
      setImmediate(resolve, false);
    }, time);
    timer.unref();
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
