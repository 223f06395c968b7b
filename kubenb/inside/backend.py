"""matplotlib's backend in the own engine ('module://kubenb_runtime.backend'): Agg, and `figures.show` for `plt.show()`."""

from matplotlib.backend_bases import FigureManagerBase as FigureManager
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas

from .figures import show

__all__ = ["FigureCanvas", "FigureManager", "show"]
