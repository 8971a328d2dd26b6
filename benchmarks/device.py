"""A CUDA device beside the processor: convolving sixteen megapixels, and condensing them to normal equations.

Beside them plain `F.conv2d` on the device, and the time that moving the pixels there and back takes, which bounds both.
"""

import numpy as np
from side_by_side import medians, write

SIDE = 4096
SIZES = (3, 15, 31, 63)


def main() -> None:
    import torch

    if not torch.cuda.is_available():
        print("no CUDA device here: nothing to measure")
        return
    from convkit import NormalEquations, convolve

    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    rng = np.random.default_rng(0)
    image = rng.random((SIDE, SIDE), dtype=np.float32)
    there = torch.from_numpy(image).cuda()

    def moved() -> None:
        torch.from_numpy(image).cuda().cpu()

    def plain(kernel: np.ndarray) -> None:
        weight = torch.from_numpy(kernel).cuda()
        torch.nn.functional.conv2d(there[None, None], weight[None, None])
        torch.cuda.synchronize()

    def ways(size: int) -> dict:
        kernel = rng.random((size, size), dtype=np.float32)
        target = image[size - 1 :, size - 1 :]
        return {
            "convolve, cpu": lambda: convolve(image, kernel),
            "convolve, cuda": lambda: convolve(image, kernel, device="cuda"),
            "F.conv2d on the device, nothing moved": lambda: plain(kernel),
            "moving the image there and back": moved,
            "normal equations, cpu": lambda: NormalEquations.of(image, target, (size, size)),
            "normal equations, cuda": lambda: NormalEquations.of(image, target, (size, size), device="cuda"),
        }

    rows = []
    for size in SIZES:
        seconds = medians(ways(size))
        print(f"{size}x{size}", {name: f"{1e3 * value:.1f} ms" for name, value in seconds.items()})
        rows.append({"size": size, "device": torch.cuda.get_device_name(), "seconds": seconds})
    write("device", rows)


if __name__ == "__main__":
    main()
