/*
 * assets.S: the parts of a page of orreport, as bytes within the program, each with a NUL behind
 * it. uPlot (https://github.com/leeoniya/uPlot, MIT, see uPlot.LICENSE) is as its npm package has
 * it; page.js is the script's modules in one (bundle.cmake).
 */
#define ASSET(name, file)                                                                          \
	.global asset_##name;                                                                      \
	.type asset_##name, %object;                                                               \
	asset_##name:.incbin file;                                                                 \
	.byte 0;                                                                                   \
	.size asset_##name, .- asset_##name

	.section .rodata
ASSET(page_html, "page.html")
ASSET(page_css, "page.css")
ASSET(page_js, "page.js")
ASSET(uplot_css, "uPlot.min.css")
ASSET(uplot_js, "uPlot.iife.min.js")
ASSET(uplot_license, "uPlot.LICENSE")

	.section .note.GNU-stack, "", %progbits
