// The Mandelbrot set: divergent loops, float and double, a colour as uchar4.
template <class T>
__device__ inline int CalcMandelbrot(const T xPos, const T yPos, const int crunch) {
  T x = 0, y = 0, xx = 0, yy = 0;
  int i = crunch;
  while (--i && (xx + yy < T(4.0))) {
    y = x * y * T(2.0) + yPos;
    x = xx - yy + xPos;
    yy = y * y;
    xx = x * x;
  }
  return i;
}

template <class T>
__global__ void Mandelbrot0(uchar4 *dst, const int imageW, const int imageH, const int crunch, const T xOff,
                            const T yOff, const T scale, const uchar4 colors) {
  const int ix = blockDim.x * blockIdx.x + threadIdx.x;
  const int iy = blockDim.y * blockIdx.y + threadIdx.y;
  if ((ix < imageW) && (iy < imageH)) {
    const T xPos = (T)ix * scale + xOff;
    const T yPos = (T)iy * scale + yOff;
    int m = CalcMandelbrot<T>(xPos, yPos, crunch);
    m = m > 0 ? crunch - m : 0;
    uchar4 color;
    color.x = m * colors.x;
    color.y = m * colors.y;
    color.z = m * colors.z;
    color.w = 0;
    dst[imageW * iy + ix] = color;
  }
}
