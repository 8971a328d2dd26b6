"""x"""
def comparison_page(x): return ""
