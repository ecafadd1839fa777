/** Launches kernels on the fake driver as the device host does and tells on stderr what came of it. */
import { failureOf, type NativeFailure } from "kernel-lab/dist/backend/protocol";
import { FakeDevice, launchOf } from "./cuda-fake";

function main(folder: string, kernels: string[]): void {
  const device = new FakeDevice(folder, { faultPage: new ArrayBuffer(65536) });
  device.encoder.alloc(1, 1024);
  device.submit();
  for (const { kernel } of device.load(...kernels)) device.encoder.launch(launchOf(kernel));
  device.submit();
  const errors = [0, 1].map((): NativeFailure | null => {
    try {
      device.native.synchronize(0, true);
      return null;
    } catch (error) {
      return failureOf(error);
    }
  });
  process.stderr.write(JSON.stringify({ errors, printed: device.native.takePrintf() }));
}

if (require.main === module) main(process.argv[2]!, process.argv.slice(3));
